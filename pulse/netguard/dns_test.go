package netguard_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// dnsServer answers A and AAAA questions over UDP. Each name has a list of answers, given one after the other;
// the last is repeated.
type dnsServer struct {
	conn net.PacketConn
	mu   sync.Mutex
	left map[string][][]string // by question type and name
}

func startDNS(t *testing.T, answers map[string][][]string) *dnsServer {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	require.NoError(t, err)
	s := &dnsServer{conn: conn, left: map[string][][]string{}}
	for name, list := range answers {
		s.left["A "+name], s.left["AAAA "+name] = list, list
	}
	var wg sync.WaitGroup
	wg.Go(s.serve)
	t.Cleanup(func() { _ = conn.Close(); wg.Wait() })
	return s
}

// resolver returns a resolver that asks this server only.
func (s *dnsServer) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", s.conn.LocalAddr().String())
	}}
}

func (s *dnsServer) serve() {
	buf := make([]byte, 512)
	for {
		n, from, err := s.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if reply := s.answer(buf[:n]); reply != nil {
			_, _ = s.conn.WriteTo(reply, from)
		}
	}
}

const (
	typeA, typeAAAA = 1, 28
	headerSize      = 12
)

func (s *dnsServer) answer(query []byte) []byte {
	name, end := question(query)
	if end == 0 {
		return nil
	}
	kind := binary.BigEndian.Uint16(query[end:])
	addrs, known := s.next(name, kind)
	reply := append([]byte(nil), query[:end+4]...)
	copy(reply[2:], []byte{0x84, 0, 0, 1, 0, byte(len(addrs)), 0, 0, 0, 0})
	if !known {
		reply[3] = 3 // no such name
	}
	for _, addr := range addrs {
		reply = append(reply, 0xc0, headerSize) // the name in the question
		reply = binary.BigEndian.AppendUint16(reply, kind)
		reply = append(reply, 0, 1, 0, 0, 0, 0) // class IN, not to be kept
		reply = binary.BigEndian.AppendUint16(reply, uint16(len(addr)))
		reply = append(reply, addr...)
	}
	return reply
}

// question returns the name asked for and where it ends; 0 when the query is none.
func question(query []byte) (name string, end int) {
	var b strings.Builder
	for i := headerSize; i < len(query); {
		n := int(query[i])
		if n == 0 {
			return b.String(), i + 1
		}
		b.Write(query[i+1 : i+1+n])
		b.WriteByte('.')
		i += 1 + n
	}
	return "", 0
}

// next takes the next answer for a name and keeps the addresses of the asked kind.
func (s *dnsServer) next(name string, kind uint16) (addrs [][]byte, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := map[uint16]string{typeA: "A ", typeAAAA: "AAAA "}[kind] + strings.ToLower(name)
	list, known := s.left[key]
	if !known {
		return nil, false
	}
	for _, text := range list[0] {
		if addr := netip.MustParseAddr(text); addr.Is4() == (kind == typeA) {
			addrs = append(addrs, addr.AsSlice())
		}
	}
	if len(list) > 1 {
		s.left[key] = list[1:]
	}
	return addrs, true
}
