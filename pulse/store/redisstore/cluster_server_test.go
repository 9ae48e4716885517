package redisstore

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/store"
	"github.com/proxpulse/proxpulse/pulse/store/storetest"
)

// startCluster starts a Redis Cluster of two nodes with half of the slots each.
func startCluster(tb testing.TB) []string {
	tb.Helper()
	var addresses []string
	var nodes []*redis.Client
	for i := range 2 {
		bus := strconv.Itoa(freePort(tb))
		node := startServer(tb, "--cluster-enabled", "yes", "--cluster-port", bus, "--databases", "1")
		admin := node.admin(tb, 0)
		require.NoError(tb, admin.ClusterAddSlotsRange(tb.Context(), i*8192, i*8192+8191).Err())
		require.NoError(tb, admin.Do(tb.Context(), "cluster", "set-config-epoch", i+1).Err())
		if i > 0 {
			host, port, err := net.SplitHostPort(node.address)
			require.NoError(tb, err)
			require.NoError(tb, nodes[0].Do(tb.Context(), "cluster", "meet", host, port, bus).Err())
		}
		addresses, nodes = append(addresses, node.address), append(nodes, admin)
	}
	for _, node := range nodes {
		require.Eventually(tb, func() bool {
			info, err := node.ClusterInfo(tb.Context()).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_size:2")
		}, time.Minute, 10*time.Millisecond)
	}
	return addresses
}

// clusterHarness is a prefix of its own in a cluster.
type clusterHarness struct {
	addresses []string
	prefix    string
	ahead     atomic.Int64
}

func (h *clusterHarness) client() *redis.ClusterClient {
	return redis.NewClusterClient(&redis.ClusterOptions{Addrs: h.addresses, Protocol: 2, MaxRetries: -1, ContextTimeoutEnabled: true})
}

func (h *clusterHarness) Open(tb testing.TB) store.Store {
	tb.Helper()
	s := &Store{client: h.client(), address: "cluster", keys: keys{prefix: h.prefix}, clockOffset: h.ahead.Load}
	var err error
	s.codec, err = newCodec()
	require.NoError(tb, err)
	s.scripts, err = newScripts()
	require.NoError(tb, err)
	return s
}

func (h *clusterHarness) Advance(d time.Duration) { h.ahead.Add(d.Milliseconds()) }

func (h *clusterHarness) Flush(tb testing.TB) {
	tb.Helper()
	client := h.client()
	defer func() { require.NoError(tb, client.Close()) }()
	err := client.ForEachMaster(tb.Context(), func(ctx context.Context, node *redis.Client) error {
		found := node.Scan(ctx, 0, h.prefix+":*", 1000).Iterator()
		for found.Next(ctx) {
			if err := node.Del(ctx, found.Val()).Err(); err != nil {
				return err
			}
		}
		return found.Err()
	})
	require.NoError(tb, err)
}

// TestClusterConformance shows that groups, counters, leases and hints keep to what a cluster allows: keys of one call in
// one slot, and no more than those a call names.
func TestClusterConformance(t *testing.T) {
	t.Parallel()
	addresses := startCluster(t)
	var prefixes atomic.Int64
	storetest.Run(t, func(testing.TB) storetest.Harness {
		return &clusterHarness{addresses: addresses, prefix: fmt.Sprint("pulse", prefixes.Add(1))}
	})
}
