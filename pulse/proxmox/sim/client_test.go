package sim_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/proxpulse/proxpulse/pulse/proxmox"
	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// connect makes this project's client for a server, with a token.
func connect(t *testing.T, estate *sim.Estate, kind proxmox.Kind, url string, cred sim.Credential) *proxmox.Client {
	t.Helper()
	client, err := proxmox.New(proxmox.Options{
		Kind: kind, Address: url, DialContext: estate.DialContext,
		Credential: proxmox.Credential{TokenID: cred.TokenID, TokenSecret: proxmox.Secret(cred.TokenSecret)},
	})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func TestOwnClientReadsACluster(t *testing.T) {
	t.Parallel()
	estate := serve(t, demo())
	home := estate.Clusters()[0]
	client := connect(t, estate, proxmox.PVE, home.URL(), home.Credentials[sim.Auditor])
	ctx := t.Context()

	version, _, err := client.Version(ctx)
	require.NoError(t, err)
	require.Equal(t, "9.2.11", version.Version)
	resources, _, err := client.Resources(ctx)
	require.NoError(t, err)
	guests, err := estate.Guests("home")
	require.NoError(t, err)
	require.Len(t, resources.Guests, len(guests))
	require.Len(t, resources.Nodes, 3)
	require.Zero(t, resources.Skipped)
	for i, g := range guests {
		r := resources.Guests[i]
		require.Equal(t, g.VMID, r.VMID)
		require.Equal(t, g.Type, string(r.Kind))
		require.Equal(t, g.Name, r.Name)
		require.Equal(t, g.Node, r.Node)
		require.Equal(t, g.Status, r.Status)
		require.Equal(t, g.Tags, r.Tags)
		require.Equal(t, g.Pool, r.Pool)
		require.Equal(t, g.Lock, r.Lock)
		require.Equal(t, proxmox.Some(g.Template), r.Template)
		require.Equal(t, proxmox.Some(g.CPUs), r.MaxCPU)
		require.Equal(t, proxmox.Some(g.MemoryBytes), r.MaxMemBytes)
		require.Equal(t, proxmox.Some(g.DiskBytes), r.MaxDiskBytes)
	}
	status, _, err := client.ClusterStatus(ctx)
	require.NoError(t, err)
	require.Equal(t, "home", status.Name)
	tasks, _, err := client.ClusterTasks(ctx)
	require.NoError(t, err)
	require.NotEmpty(t, tasks)
	nodes, _, err := client.Nodes(ctx)
	require.NoError(t, err)
	require.Len(t, nodes, 3)
	_, _, err = client.NodeStatus(ctx, "birch")
	require.NoError(t, err)
	certificates, _, err := client.Certificates(ctx, "cedar")
	require.NoError(t, err)
	require.Len(t, certificates, 2)
	storages, _, err := client.Storages(ctx)
	require.NoError(t, err)
	require.Len(t, storages, 8)
	guest, _, err := client.GuestStatus(ctx, "birch", proxmox.VM, 102)
	require.NoError(t, err)
	require.Equal(t, "postgres", guest.Name)
	container, _, err := client.GuestStatus(ctx, "cedar", proxmox.Container, 112)
	require.NoError(t, err)
	require.Equal(t, "grafana", container.Name)
	filesystems, _, err := client.GuestFilesystems(ctx, "birch", 102)
	require.NoError(t, err)
	require.Len(t, filesystems, 4)
	_, _, err = client.Permissions(ctx)
	require.NoError(t, err)
}

func TestOwnClientReadsABackupServer(t *testing.T) {
	t.Parallel()
	estate := serve(t, demo())
	vault := estate.BackupServers()[0]
	client := connect(t, estate, proxmox.PBS, vault.URL, vault.Credentials[sim.Auditor])
	ctx := t.Context()
	_, err := client.Ping(ctx)
	require.NoError(t, err)
	_, _, err = client.Version(ctx)
	require.NoError(t, err)
	_, _, err = client.HostStatus(ctx)
	require.NoError(t, err)
	usage, _, err := client.DatastoreUsage(ctx)
	require.NoError(t, err)
	require.Len(t, usage, 2)
	stores, _, err := client.Datastores(ctx)
	require.NoError(t, err)
	require.Len(t, stores, 2)
	namespaces, _, err := client.Namespaces(ctx, "main")
	require.NoError(t, err)
	require.Len(t, namespaces, 3)
	tasks, _, err := client.Tasks(ctx, time.Time{})
	require.NoError(t, err)
	require.NotEmpty(t, tasks)
	_, _, err = client.Permissions(ctx)
	require.NoError(t, err)
}

func TestOwnClientNamesWhatFails(t *testing.T) {
	t.Parallel()
	estate := serve(t, demo())
	home := estate.Clusters()[0]
	vault := estate.BackupServers()[0]
	wrong := home.Credentials[sim.Auditor]
	wrong.TokenSecret = "00000000-0000-0000-0000-000000000000"
	ctx := t.Context()
	_, _, err := connect(t, estate, proxmox.PVE, home.URL(), wrong).Version(ctx)
	require.ErrorIs(t, err, proxmox.ErrUnauthorized)
	_, _, err = connect(t, estate, proxmox.PVE, home.URL(), home.Credentials[sim.Limited]).NodeStatus(ctx, "birch")
	require.ErrorIs(t, err, proxmox.ErrForbidden)
	_, _, err = connect(t, estate, proxmox.PVE, home.URL(), home.Credentials[sim.Auditor]).GuestStatus(ctx, "birch", proxmox.VM, 9999)
	require.ErrorIs(t, err, proxmox.ErrNotFound)
	_, _, err = connect(t, estate, proxmox.PBS, vault.URL, vault.Credentials[sim.NoRights]).HostStatus(ctx)
	require.ErrorIs(t, err, proxmox.ErrForbidden)
	require.NoError(t, estate.PBSDown("vault"))
	_, _, err = connect(t, estate, proxmox.PBS, vault.URL, vault.Credentials[sim.Auditor]).Version(ctx)
	require.ErrorIs(t, err, proxmox.ErrRefused)
	require.NoError(t, estate.NodeDown("home", "cedar"))
	_, _, err = connect(t, estate, proxmox.PVE, home.URL(), home.Credentials[sim.Auditor]).NodeStatus(ctx, "cedar")
	require.ErrorIs(t, err, proxmox.ErrNodeUnreachable)
}

// TestOwnClientOverMemory logs in by password and outlives the ticket, in a
// bubble of fake time.
func TestOwnClientOverMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := demo()
		cfg.InMemory = true
		estate := serve(t, cfg)
		home := estate.Clusters()[0]
		cred := home.Credentials[sim.Auditor]
		client, err := proxmox.New(proxmox.Options{
			Kind: proxmox.PVE, Address: home.URL(), DialContext: estate.DialContext,
			Credential: proxmox.Credential{User: cred.User, Password: proxmox.Secret(cred.Password)},
		})
		require.NoError(t, err)
		for range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			resources, _, err := client.Resources(ctx)
			cancel()
			require.NoError(t, err)
			require.NotEmpty(t, resources.Guests)
			time.Sleep(30 * time.Minute)
		}
		counts := estate.RequestCounts("home")
		require.Equal(t, 10, counts["GET /cluster/resources"], fmt.Sprint(counts))
		require.InDelta(t, 4, counts["POST /access/ticket"], 2, fmt.Sprint(counts))
		client.Close()
		estate.Stop()
	})
}
