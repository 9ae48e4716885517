package netguard

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	allowed := []string{
		"10.0.0.1", "172.16.0.1", "192.168.1.100", "100.64.0.1", "127.0.0.1", "127.255.255.254", "8.8.8.8",
		"169.253.255.255", "169.255.0.0", "240.0.0.1", "255.255.255.254", "100.100.100.201",
		"::1", "fd00::1", "fd00:ec2::1", "2001:db8::1", "2a00:1450::1", "fec0::1", "fe7f::1",
		"::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::8.8.8.8", "2002:a00:1::1",
		"2001:0:4136:e378:8000:63bf:3fff:fdd2", // Teredo of 192.0.2.45
		"2001:db8::1%eth0",
	}
	for _, text := range allowed {
		require.Empty(t, judge(netip.MustParseAddr(text)), text)
	}
	refused := map[string][]string{
		"a link-local address": {
			"169.254.0.0", "169.254.1.1", "169.254.169.254", "169.254.255.255", "fe80::1", "fe80::1%eth0", "febf:ffff::1",
			"::ffff:169.254.169.254", "::ffff:169.254.169.254%eth0", "::169.254.169.254", "::ffff:0:169.254.169.254",
			"64:ff9b::169.254.169.254", "64:ff9b:1::169.254.169.254", "64:ff9b:1:2:3:4:a9fe:a9fe",
			"2002:a9fe:a9fe::1", "2001:0:1:2:3:4:5601:5601",
		},
		"a cloud's metadata address": {
			"fd00:ec2::254", "fd00:ec2::254%eth0", "fd00:ec2::23", "fd20:ce::254", "100.100.100.200",
			"::ffff:100.100.100.200", "64:ff9b::100.100.100.200", "2002:6464:64c8::", "192.0.0.192", "168.63.129.16",
		},
		"not the address of a host": {
			"0.0.0.0", "0.0.0.1", "0.255.255.255", "::", "::%eth0", "::ffff:0.0.0.0", "64:ff9b::", "2002::1", "::2",
		},
		"a multicast address": {
			"224.0.0.1", "239.255.255.255", "ff02::1", "ff02::1%eth0", "ff0e::1", "::ffff:224.0.0.1", "64:ff9b::224.0.0.1",
		},
		"the broadcast address": {"255.255.255.255", "::ffff:255.255.255.255", "2002:ffff:ffff::"},
	}
	for why, texts := range refused {
		for _, text := range texts {
			require.Equal(t, why, judge(netip.MustParseAddr(text)), text)
		}
	}
	require.Equal(t, "not an IP address", judge(netip.Addr{}))
}

// FuzzJudge holds that no way to write an address changes the judgement on it.
func FuzzJudge(f *testing.F) {
	for _, text := range []string{"169.254.169.254", "10.0.0.1", "0.0.0.0", "224.0.0.1", "100.100.100.200", "127.0.0.1", "255.255.255.255"} {
		addr := netip.MustParseAddr(text).As4()
		f.Add(addr[:], "eth0")
	}
	f.Add(netip.MustParseAddr("fe80::1").AsSlice(), "")
	f.Add(netip.MustParseAddr("64:ff9b::a9fe:a9fe").AsSlice(), "x")
	f.Fuzz(func(t *testing.T, raw []byte, zone string) {
		addr, ok := netip.AddrFromSlice(raw)
		if !ok {
			return
		}
		why := judge(addr)
		if addr.Is6() {
			require.Equal(t, why, judge(addr.WithZone(zone)))
			return
		}
		require.Equal(t, why, judge(netip.AddrFrom16(addr.As16())), "mapped")
		a := addr.As4()
		forms := map[string][16]byte{"NAT64": {0, 0x64, 0xff, 0x9b}, "local NAT64": {0, 0x64, 0xff, 0x9b, 0, 1, 7}}
		for name, form := range forms {
			copy(form[12:], a[:])
			require.Equal(t, why, judge(netip.AddrFrom16(form)), name)
		}
		sixToFour := [16]byte{0x20, 0x02}
		copy(sixToFour[2:], a[:])
		require.Equal(t, why, judge(netip.AddrFrom16(sixToFour)), "6to4")
		if addr.IsLinkLocalUnicast() || addr.IsMulticast() || addr.IsUnspecified() {
			require.NotEmpty(t, why)
		}
	})
}
