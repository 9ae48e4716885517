package proxmox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func decodeTable(t testing.TB, body []byte) Resources {
	t.Helper()
	var out Resources
	require.NoError(t, decodeEnvelope(body, aList, func(s *scanner) { out = decodeResources(s, new(recycler)) }))
	return out
}

// TestResourcesOfAHealthyCluster was read off the recording by hand.
func TestResourcesOfAHealthyCluster(t *testing.T) {
	t.Parallel()
	got := decodeTable(t, readReply(t, "cluster-ok/cluster_resources__auditor-token.json"))
	require.Zero(t, got.Skipped)
	require.Len(t, got.Guests, 7)
	require.Len(t, got.Nodes, 3)
	require.Len(t, got.Storages, 11)
	require.Equal(t, []ResourcePool{{Name: "prodpool"}}, got.Pools)
	require.Equal(t, ResourceGuest{
		Kind: VM, VMID: 1102, Node: "pve-b", Name: "db-primary", Status: "running", Template: Some(false),
		CPUFraction: Some(1.0439962773472), MaxCPU: Some(8.0), MemBytes: Some[int64](11705115088),
		MaxMemBytes: Some[int64](17179869184), MemHostBytes: Some[int64](14018709251),
		MaxDiskBytes: Some[int64](214748364800), NetInBytes: Some[int64](1004097760), NetOutBytes: Some[int64](2002048880),
		DiskReadBytes: Some[int64](3020488800), DiskWriteBytes: Some[int64](4040977600), UptimeSeconds: Some[int64](500208),
	}, got.Guests[2])
	require.Equal(t, ResourceGuest{
		Kind: VM, VMID: 1104, Node: "pve-b", Name: "stopped-b", Status: "stopped", HAState: "stopped", Lock: "migrate",
		Template: Some(false), CPUFraction: Some(0.0), MaxCPU: Some(1.0), MemBytes: Some[int64](0),
		MaxMemBytes: Some[int64](2147483648), MemHostBytes: Some[int64](0), MaxDiskBytes: Some[int64](0),
		NetInBytes: Some[int64](0), NetOutBytes: Some[int64](0), DiskReadBytes: Some[int64](0),
		DiskWriteBytes: Some[int64](0), UptimeSeconds: Some[int64](0),
	}, got.Guests[4])
	require.Equal(t, ResourceGuest{
		Kind: Container, VMID: 1200, Node: "pve-a", Name: "ha-ct", Status: "running", HAState: "started",
		Template: Some(false), CPUFraction: Some(0.0612132794955385), MaxCPU: Some(2.0), MemBytes: Some[int64](405181986),
		MaxMemBytes: Some[int64](1073741824), DiskBytes: Some[int64](20971520), MaxDiskBytes: Some[int64](8350298112),
		NetInBytes: Some[int64](1004067773), NetOutBytes: Some[int64](2002033886), DiskReadBytes: Some[int64](3020338865),
		DiskWriteBytes: Some[int64](4040677730), UptimeSeconds: Some[int64](400208),
	}, got.Guests[5])
	require.Equal(t, ResourceNode{
		Name: "pve-b", Status: "online", HAState: "online", CPUFraction: Some(0.80858370985861), MaxCPU: Some(8.0),
		MemBytes: Some[int64](30793829376), MaxMemBytes: Some[int64](33586581504), DiskBytes: Some[int64](19968000),
		MaxDiskBytes: Some[int64](103079215104), UptimeSeconds: Some[int64](785808),
	}, got.Nodes[2])
	require.Equal(t, ResourceStorage{
		Name: "shared-backup", Node: "pve-c", Status: "available", Plugin: "dir", Content: "backup", Shared: true,
		DiskBytes: Some[int64](0), MaxDiskBytes: Some[int64](536870912000),
	}, got.Storages[8])
	require.Equal(t, ResourceNetwork{Name: "localnetwork", Node: "pve-c", Kind: "zone", Status: "ok"}, got.Networks[0])
}

// TestGuestsOfADeadMemberLoseEverything: five minutes on, a row has no name, no template flag and no number.
func TestGuestsOfADeadMemberLoseEverything(t *testing.T) {
	t.Parallel()
	got := decodeTable(t, readReply(t, "cluster-member-down-after-6min/cluster_resources__auditor-token.json"))
	i := slices.IndexFunc(got.Guests, func(g ResourceGuest) bool { return g.VMID == 1103 })
	require.Equal(t, ResourceGuest{Kind: VM, VMID: 1103, Node: "pve-c", Status: "unknown"}, got.Guests[i])
	i = slices.IndexFunc(got.Nodes, func(n ResourceNode) bool { return n.Name == "pve-c" })
	require.Equal(t, "offline", got.Nodes[i].Status)
	require.Equal(t, Opt[int64]{}, got.Nodes[i].MaxMemBytes)
}

// TestOfflineNodeKeepsItsMaximaAtFirst: within the five minutes only the readings are gone.
func TestOfflineNodeKeepsItsMaximaAtFirst(t *testing.T) {
	t.Parallel()
	got := decodeTable(t, readReply(t, "cluster-member-down/cluster_resources__auditor-token.json"))
	i := slices.IndexFunc(got.Nodes, func(n ResourceNode) bool { return n.Name == "pve-c" })
	n := got.Nodes[i]
	require.Equal(t, "offline", n.Status)
	require.Equal(t, Some[int64](16586580992), n.MaxMemBytes)
	require.False(t, n.MemBytes.Known || n.CPUFraction.Known || n.UptimeSeconds.Known || n.DiskBytes.Known)
}

// TestDeadStatusDaemonLooksLikeUnknown: the node is up, and everything on it is unknown.
func TestDeadStatusDaemonLooksLikeUnknown(t *testing.T) {
	t.Parallel()
	got := decodeTable(t, readReply(t, "standalone-pvestatd-stopped/cluster_resources__auditor-token.json"))
	require.Equal(t, []ResourceNode{{Name: "pve1", Status: "unknown"}}, got.Nodes)
	require.Len(t, got.Guests, 11)
	for _, g := range got.Guests {
		require.Equal(t, ResourceGuest{Kind: g.Kind, VMID: g.VMID, Node: "pve1", Status: "unknown", Tags: g.Tags, Lock: g.Lock}, g)
	}
	for _, s := range got.Storages {
		require.Equal(t, "unknown", s.Status)
		require.False(t, s.DiskBytes.Known || s.MaxDiskBytes.Known)
	}
}

// TestLimitedCredentialSeesNodesWithoutNumbers: rights that are missing leave fields out instead of failing.
func TestLimitedCredentialSeesNodesWithoutNumbers(t *testing.T) {
	t.Parallel()
	got := decodeTable(t, readReply(t, "standalone/cluster_resources__limited-token.json"))
	require.Len(t, got.Guests, 1)
	require.Equal(t, []ResourceNode{{Name: "pve1", Status: "online"}}, got.Nodes)
}

func TestResourceRowsInOddForms(t *testing.T) {
	t.Parallel()
	row := func(fields string) ResourceGuest {
		got := decodeTable(t, []byte(`{"data":[{"type":"lxc","id":"lxc/7","node":"n",`+fields+`}]}`))
		require.Len(t, got.Guests, 1)
		return got.Guests[0]
	}
	require.Equal(t, 7, row(`"name":"x"`).VMID, "the id stands in for a missing vmid")
	require.Equal(t, 101, row(`"vmid":"101"`).VMID)
	require.Equal(t, Opt[float64]{}, row(`"cpu":-0.5877`).CPUFraction, "a negative share is a counter that was reset")
	require.Equal(t, Some(1.1), row(`"cpu":1.1`).CPUFraction, "a share may exceed one")
	require.Equal(t, Some(0.5), row(`"maxcpu":0.5`).MaxCPU)
	require.Equal(t, Some(0.5), row(`"maxcpu":"0.5"`).MaxCPU)
	require.Equal(t, Some[int64](12000000000000000), row(`"netin":1.2e+16`).NetInBytes)
	require.Equal(t, Opt[int64]{}, row(`"mem":null`).MemBytes)
	require.Equal(t, Some(true), row(`"template":"1"`).Template)
	require.Equal(t, "123", row(`"name":123`).Name, "a name of digits may come as a number")
	require.Equal(t, "Büro 😀", row(`"name":"B\u00fcro \ud83d\ude00"`).Name)
	require.Equal(t, "first", row(`"name":"first","tags":"\u00e4;b","lock":"\u00fc"`).Name, "escapes in one field must not spill into another")

	got := decodeTable(t, []byte(`{"data":[{"type":"something-new","id":"x"},{"type":"qemu","id":"qemu/x"},{"type":"qemu","vmid":0},{"type":"sdn","sdn":"zone1","node":"n","status":"ok"}]}`))
	require.Equal(t, 3, got.Skipped)
	require.Equal(t, []ResourceNetwork{{Name: "zone1", Node: "n", Kind: "sdn", Status: "ok"}}, got.Networks)
}

// reference decodes a table with encoding/json, slowly and obviously.
func reference(t testing.TB, body []byte) (out Resources, ok bool) {
	t.Helper()
	var envelope map[string]json.RawMessage
	if json.Unmarshal(body, &envelope) != nil {
		return out, false
	}
	var rows []json.RawMessage
	if text := bytes.TrimSpace(envelope["data"]); len(text) == 0 || text[0] != '[' || json.Unmarshal(text, &rows) != nil {
		return out, false
	}
	for _, raw := range rows {
		var row map[string]any
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		if d.Decode(&row) != nil || row == nil {
			return out, false
		}
		referenceRow(referenceFields(row), &out)
	}
	return out, true
}

type referenceFields map[string]any

func (f referenceFields) text(name string) string {
	switch v := f[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func (f referenceFields) number(name string) Opt[float64] {
	text := strings.TrimSpace(f.text(name))
	if text == "" || strings.Trim(text, "0123456789+-.eE") != "" {
		return Opt[float64]{}
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v < 0 {
		return Opt[float64]{}
	}
	return Some(v)
}

func (f referenceFields) count(name string) Opt[int64] {
	text := strings.TrimSpace(f.text(name))
	v := f.number(name)
	if !v.Known || v.Value >= 1<<63 {
		return Opt[int64]{}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return Some(n)
	}
	return Some(int64(v.Value))
}

func (f referenceFields) flag(name string) Opt[bool] {
	switch strings.TrimSpace(f.text(name)) {
	case "true", "yes", "on":
		return Some(true)
	case "false", "no", "off":
		return Some(false)
	}
	text := strings.TrimSpace(f.text(name))
	if text == "" || strings.Trim(text, "0123456789+-.eE") != "" {
		return Opt[bool]{}
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return Opt[bool]{}
	}
	return Some(v != 0)
}

func referenceRow(f referenceFields, out *Resources) {
	switch kind := f.text("type"); kind {
	case "qemu", "lxc":
		vmid := f.count("vmid")
		if !vmid.Known {
			id := f.text("id")
			tail := id[strings.LastIndexByte(id, '/')+1:]
			if n, err := strconv.ParseInt(tail, 10, 64); strings.Contains(id, "/") && err == nil && len(tail) <= 18 && tail[0] >= '0' && tail[0] <= '9' {
				vmid = Some(n)
			}
		}
		if vmid.Value <= 0 || vmid.Value > 999999999 {
			out.Skipped++
			return
		}
		g := ResourceGuest{
			Kind: GuestKind(kind), VMID: int(vmid.Value), Node: f.text("node"), Name: f.text("name"), Status: f.text("status"),
			Pool: f.text("pool"), HAState: f.text("hastate"), Lock: f.text("lock"), Tags: f.text("tags"),
			Template: f.flag("template"), CPUFraction: f.number("cpu"), MaxCPU: f.number("maxcpu"), MemBytes: f.count("mem"),
			MaxMemBytes: f.count("maxmem"), DiskBytes: f.count("disk"), MaxDiskBytes: f.count("maxdisk"),
			NetInBytes: f.count("netin"), NetOutBytes: f.count("netout"), DiskReadBytes: f.count("diskread"),
			DiskWriteBytes: f.count("diskwrite"), UptimeSeconds: f.count("uptime"),
		}
		if kind == "qemu" {
			g.MemHostBytes = f.count("memhost")
			if g.DiskBytes.Value == 0 {
				g.DiskBytes = Opt[int64]{}
			}
		}
		out.Guests = append(out.Guests, g)
	case "node":
		out.Nodes = append(out.Nodes, ResourceNode{
			Name: f.text("node"), Status: f.text("status"), HAState: f.text("hastate"), Level: f.text("level"),
			CPUFraction: f.number("cpu"), MaxCPU: f.number("maxcpu"), MemBytes: f.count("mem"), MaxMemBytes: f.count("maxmem"),
			DiskBytes: f.count("disk"), MaxDiskBytes: f.count("maxdisk"), UptimeSeconds: f.count("uptime"),
		})
	case "storage":
		content := strings.Split(f.text("content"), ",")
		slices.Sort(content)
		out.Storages = append(out.Storages, ResourceStorage{
			Name: f.text("storage"), Node: f.text("node"), Status: f.text("status"), Plugin: f.text("plugintype"),
			Content: strings.Join(content, ","), Shared: f.flag("shared").Value, DiskBytes: f.count("disk"), MaxDiskBytes: f.count("maxdisk"),
		})
	case "pool":
		out.Pools = append(out.Pools, ResourcePool{
			Name: f.text("pool"), CPUFraction: f.number("cpu"), MaxCPU: f.number("maxcpu"), MemBytes: f.count("mem"),
			MaxMemBytes: f.count("maxmem"), UptimeSeconds: f.count("uptime"),
		})
	case "network":
		out.Networks = append(out.Networks, ResourceNetwork{Name: f.text("network"), Node: f.text("node"), Kind: f.text("network-type"), Status: f.text("status")})
	case "sdn":
		out.Networks = append(out.Networks, ResourceNetwork{Name: f.text("sdn"), Node: f.text("node"), Kind: "sdn", Status: f.text("status")})
	default:
		out.Skipped++
	}
}

// compareWithReference requires that the scanner and encoding/json make the same of a text, when decoding once and when
// decoding again with what was remembered.
func compareWithReference(t *testing.T, body []byte) {
	t.Helper()
	want, ok := reference(t, body)
	var r recycler
	for range 2 {
		got := Resources{}
		called := false
		err := decodeEnvelope(body, aList, func(s *scanner) { called = true; got = decodeResources(s, &r) })
		if !ok {
			require.True(t, err != nil || !called, "%q", body)
			return
		}
		if err != nil {
			require.ErrorIs(t, err, errShape, "%q", body) // a second "data" of another kind
			return
		}
		empty := func(r *Resources) {
			if len(r.Nodes)+len(r.Guests)+len(r.Storages)+len(r.Pools)+len(r.Networks) == 0 {
				*r = Resources{Skipped: r.Skipped}
			}
			r.Nodes, r.Guests, r.Storages = slices.Clip(r.Nodes), slices.Clip(r.Guests), slices.Clip(r.Storages)
		}
		empty(&got)
		require.Equal(t, fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got), "%q", body)
	}
}

func TestResourcesMatchReflection(t *testing.T) {
	t.Parallel()
	for _, r := range recordings(t) {
		if strings.HasPrefix(r.Path, "/cluster/resources") && r.Status == 200 {
			compareWithReference(t, r.body)
		}
	}
	compareWithReference(t, table(200))
}

func FuzzResources(f *testing.F) {
	for _, r := range recordings(f) {
		if strings.HasPrefix(r.Path, "/cluster/resources") && r.Status == 200 && len(r.body) < 1500 {
			f.Add(r.body)
		}
	}
	f.Add([]byte(`{"data":[{"type":"qemu","vmid":"1","cpu":"-1","maxcpu":1.5e0,"tags":"\u00e4;b","name":7,"template":"1","disk":null}]}`))
	f.Add([]byte(`{"data":null}`))
	f.Add([]byte(`{"data":[{"type":"pool","pool":"p"},{"type":"sdn","sdn":"z"},{"type":"network","network":"n","network-type":"zone"}],"data":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) { compareWithReference(t, body) })
}

// table makes a reply with guests, 5 nodes for every 1,000 of them and 4 storages a node.
func table(guests int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"data":[`)
	nodes := max(5*guests/1000, 1)
	for i := range guests {
		kind := "qemu"
		if i%3 == 0 {
			kind = "lxc"
		}
		fmt.Fprintf(&b, `{"uptime":%d,"diskread":%d,"vmid":%d,"tags":"prod;web","maxcpu":%d,"netin":%d,"diskwrite":%d,"maxdisk":34359738368,`+
			`"status":"running","node":"pve-%d","mem":%d,"id":"%s/%d","type":"%s","memhost":%d,"maxmem":4294967296,"netout":%d,`+
			`"name":"guest-%d","cpu":0.%015d,"template":0,"disk":0},`,
			500000+i, 3000000000+i*977, 100+i, 1+i%8, 1000000000+i*991, 4000000000+i*983, i%nodes, 2000000000+i*1009, kind, 100+i, kind,
			3000000000+i*1013, 2000000000+i*997, i, 143952486080711+i*31)
	}
	for n := range nodes {
		fmt.Fprintf(&b, `{"maxcpu":8,"node":"pve-%d","mem":6628808704,"id":"node/pve-%d","cgroup-mode":2,"maxdisk":103079215104,"status":"online",`+
			`"uptime":%d,"level":"","disk":19972096,"type":"node","maxmem":16586580992,"cpu":0.121520687837206},`, n, n, 782310+n)
		for s := range 4 {
			fmt.Fprintf(&b, `{"type":"storage","content":"vztmpl,iso,backup","plugintype":"dir","storage":"store%d","status":"available",`+
				`"maxdisk":103079215104,"disk":%d,"shared":0,"id":"storage/pve-%d/store%d","node":"pve-%d"},`, s, 19972096+s*n, n, s, n)
		}
	}
	b.WriteString(`{"id":"/pool/prodpool","type":"pool","pool":"prodpool"}]}`)
	return b.Bytes()
}

func BenchmarkDecodeResources(b *testing.B) {
	for _, guests := range []int{1000, 10000} {
		body := table(guests)
		b.Run(strconv.Itoa(guests), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			var r recycler
			for b.Loop() {
				var got Resources
				if err := decodeEnvelope(body, aList, func(s *scanner) { got = decodeResources(s, &r) }); err != nil || len(got.Guests) != guests {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(guests), "ns/guest")
		})
	}
}

func BenchmarkDecodeResourcesByReflection(b *testing.B) {
	body := table(1000)
	b.ReportAllocs()
	for b.Loop() {
		var got struct {
			Data []struct {
				Type, Node, Name, Status, Tags, Pool, ID        string
				VMID                                            int
				CPU, MaxCPU                                     *float64
				Mem, MaxMem, Disk, MaxDisk, Uptime              *int64
				NetIn, NetOut, DiskRead, DiskWrite, MemHost     *int64
				Storage, PluginType, Content, Level, Lock, Hast string
			}
		}
		if err := json.Unmarshal(body, &got); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/guest")
}
