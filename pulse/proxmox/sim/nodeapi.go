package sim

import (
	"crypto/ecdsa"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

const kernel = "6.17.2-1-pve"

// nodeList tells the node rows with their certificate fingerprints.
func (k *call) nodeList() *reply {
	rows := rowWriter{out: []byte(`{"data":[`)}
	for _, n := range k.c.nodes {
		rows.open()
		k.nodeRow(&rows, n)
		rows.text("ssl_fingerprint", n.place.certificateNow().fingerprint())
		rows.close()
	}
	return okDocument(newDocument(append(rows.out, "]}"...)))
}

// nodeStatus tells what only the node itself knows. As a worker measures CPU
// between two calls, its first answer has zero.
func (k *call) nodeStatus() *reply {
	n := k.n
	r := n.at(k.now, uint64(k.tick))
	cpu, wait := fraction(r.cpu), fraction(r.wait)
	if !n.statusWarm {
		cpu, wait = 0, 0
	}
	n.statusWarm = true
	free := r.memoryFree
	version := "#1 SMP PREEMPT_DYNAMIC PMX 6.17.2-1 (2025-10-21T11:55Z)"
	const swap = int64(8_589_930_496)
	return ok(object{
		"uptime": r.uptime, "idle": 0, "cpu": cpu, "wait": wait,
		"loadavg":        []string{fmt.Sprintf("%.2f", r.load1), fmt.Sprintf("%.2f", r.load5), fmt.Sprintf("%.2f", r.load15)},
		"kversion":       "Linux " + kernel + " " + version,
		"current-kernel": object{"sysname": "Linux", "release": kernel, "version": version, "machine": "x86_64"},
		"pveversion":     "pve-manager/9.2.11/14a22df35955d97d",
		"boot-info":      object{"mode": "legacy-bios"},
		"ksm":            object{"shared": 0},
		"cpuinfo": object{
			"model": n.model, "vendor": vendor(n.model), "family": "6", "sockets": 1, "cores": n.maxCPU / 2, "cpus": n.maxCPU,
			"mhz": "2200.000", "hvm": "1", "user_hz": 100, "flags": "fpu vme de pse tsc msr pae vmx ept sse4_2 avx2 aes",
		},
		"memory": object{"total": n.maxMem, "used": r.mem, "free": free, "available": n.maxMem - r.mem},
		"swap":   object{"total": swap, "used": r.swapUsed, "free": swap - r.swapUsed},
		"rootfs": object{"total": n.maxDisk, "used": r.disk, "avail": n.maxDisk - r.disk, "free": n.maxDisk - r.disk},
	})
}

func vendor(model string) string {
	if strings.HasPrefix(model, "AMD") {
		return "AuthenticAMD"
	}
	return "GenuineIntel"
}

// certificates tells the authority's certificate and the node's own.
func (k *call) certificates() *reply {
	return ok([]object{
		certificateRow("pve-root-ca.pem", k.c.ca.leaf),
		certificateRow("pve-ssl.pem", k.n.place.certificateNow()),
	})
}

func certificateRow(file string, c *certificate) object {
	san := []string{}
	for _, ip := range c.parsed.IPAddresses {
		san = append(san, longAddress(ip))
	}
	san = append(san, c.parsed.DNSNames...)
	row := object{
		"filename": file, "fingerprint": c.fingerprint(), "pem": c.pem(), "san": san,
		"subject": slashName(c.parsed.Subject), "issuer": slashName(c.parsed.Issuer),
		"notbefore": c.parsed.NotBefore.Unix(), "notafter": c.parsed.NotAfter.Unix(),
		"public-key-type": "id-ecPublicKey",
	}
	if key, isECDSA := c.key.Public().(*ecdsa.PublicKey); isECDSA {
		row["public-key-bits"] = key.Curve.Params().BitSize
	}
	return row
}

// longAddress prints IPv6 without abbreviation, as OpenSSL does.
func longAddress(ip net.IP) string {
	if ip.To4() != nil {
		return ip.String()
	}
	var groups []string
	for i := 0; i < len(ip); i += 2 {
		groups = append(groups, fmt.Sprintf("%02x%02x", ip[i], ip[i+1]))
	}
	return strings.Join(groups, ":")
}

// slashName prints a name as /OU=…/O=…/CN=… in the order it was encoded.
func slashName(name pkix.Name) string {
	var out strings.Builder
	for _, part := range name.Names {
		short := map[string]string{"2.5.4.3": "CN", "2.5.4.10": "O", "2.5.4.11": "OU"}[part.Type.String()]
		fmt.Fprintf(&out, "/%s=%v", short, part.Value)
	}
	return out.String()
}

// nodeTasks lists the tasks of a node, newest first.
func (k *call) nodeTasks() *reply {
	source := k.param("source")
	if source == "" {
		source = "archive"
	}
	if !slices.Contains([]string{"archive", "active", "all"}, source) {
		return invalid(map[string]string{
			"source": "value '" + source + "' does not have a value in the enumeration 'archive, active, all'",
		})
	}
	rows := []object{}
	total := 0
	start, limit := int(k.number("start", 0)), int(k.number("limit", 50))
	for _, t := range k.n.tasks {
		if !k.taskWanted(t, source) {
			continue
		}
		if total >= start && (limit == 0 || len(rows) < limit) {
			rows = append(rows, t.indexRow(source == "active"))
		}
		total++
	}
	return okWith(object{"data": rows, "total": total})
}

// taskWanted applies the filters and rights.
func (k *call) taskWanted(t *task, source string) bool {
	running := t.end.IsZero()
	if running && source == "archive" || !running && source == "active" {
		return false
	}
	if !k.who.rights.has("/nodes/"+k.n.name, "Sys.Audit") && t.user != k.who.user {
		return false
	}
	failed := !running && t.status != "OK" && !strings.HasPrefix(t.status, "WARNINGS")
	switch {
	case k.params.Has("since") && t.start.Unix() < k.number("since", 0),
		k.params.Has("until") && t.start.Unix() > k.number("until", 0),
		k.params.Has("vmid") && t.id != k.param("vmid"),
		k.params.Has("typefilter") && t.kind != k.param("typefilter"),
		k.params.Has("userfilter") && !strings.Contains(t.owner(), k.param("userfilter")),
		k.flag("errors") && !failed:
		return false
	}
	return true
}

// indexRow is the task as the node's list tells it.
func (t *task) indexRow(active bool) object {
	row := object{
		"upid": t.upid(), "node": t.node, "type": t.kind, "id": t.id, "user": t.user,
		"pid": t.pid, "pstart": t.pstart, "starttime": t.start.Unix(),
	}
	if t.token != "" {
		row["tokenid"] = t.token
	}
	if t.end.IsZero() {
		row["status"] = "RUNNING"
	} else {
		row["endtime"], row["status"] = t.end.Unix(), t.status
	}
	if active || t.end.IsZero() {
		row["saved"] = fmt.Sprint(boolInt(!t.end.IsZero()))
	}
	return row
}

// task finds the task of the path; a reply tells why there is none.
func (k *call) task() (*task, *reply) {
	upid := k.vars["upid"]
	if strings.Count(upid, ":") != 8 {
		return nil, invalid(map[string]string{"upid": "unable to parse worker upid"})
	}
	for _, t := range k.n.tasks {
		if t.upid() != upid {
			continue
		}
		if t.user != k.who.user && !k.who.rights.has("/nodes/"+k.n.name, "Sys.Audit") {
			return nil, forbidden("/nodes/"+k.n.name, "Sys.Audit")
		}
		return t, nil
	}
	return nil, invalid(map[string]string{"upid": "no such task"})
}

// taskStatus tells whether a task runs and how it ended.
func (k *call) taskStatus() *reply {
	t, refused := k.task()
	if refused != nil {
		return refused
	}
	row := object{
		"upid": t.upid(), "node": t.node, "type": t.kind, "id": t.id, "user": t.user,
		"pid": t.pid, "pstart": t.pstart, "starttime": t.start.Unix(), "status": "running",
	}
	if t.token != "" {
		row["tokenid"] = t.token
	}
	if !t.end.IsZero() {
		row["status"], row["exitstatus"] = "stopped", t.status
	}
	return ok(row)
}

// taskLog tells the lines of a task's log.
func (k *call) taskLog() *reply {
	t, refused := k.task()
	if refused != nil {
		return refused
	}
	lines := t.lines()
	start, limit := int(k.number("start", 0)), int(k.number("limit", 50))
	rows := []object{}
	for i, line := range lines {
		if i >= start && (limit == 0 || len(rows) < limit) {
			rows = append(rows, object{"n": i + 1, "t": line})
		}
	}
	return okWith(object{"data": rows, "total": len(lines)})
}

// vzdumpLog is the log of a backup of the guests of a node.
func (c *cluster) vzdumpLog(n *node, start time.Time) []string {
	lines := []string{"INFO: starting new backup job: vzdump --all 1 --mode snapshot --quiet 1"}
	for _, g := range c.order {
		if g.node != n.name || g.live.template || len(lines) > 100 {
			continue
		}
		size := float64(g.maxDisk) / (1 << 30)
		lines = append(lines,
			fmt.Sprintf("INFO: Starting Backup of VM %d (%s)", g.vmid, g.kind),
			"INFO: Backup started at "+start.Format(time.DateTime),
			"INFO: status = "+g.live.status,
			fmt.Sprintf("INFO: archive file size: %.2fGB", size/4),
			fmt.Sprintf("INFO: Finished Backup of VM %d (00:01:02)", g.vmid),
			"INFO: Backup finished at "+start.Add(62*time.Second).Format(time.DateTime),
		)
		start = start.Add(62 * time.Second)
	}
	return append(lines, "INFO: Backup job finished successfully")
}
