package sim

import "net/http"

// routes are the endpoints of a PVE member, with the rights they need as the
// API viewer documents them.
func (c *cluster) routes() []route {
	const (
		sysAudit  = "Sys.Audit"
		vmAudit   = "VM.Audit"
		agent     = "VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted"
		storeSome = "Datastore.Audit|Datastore.AllocateSpace"
		vm        = "/vms/{vmid}"
		host      = "/nodes/{node}"
		store     = "/storage/{storage}"
	)
	get, post := http.MethodGet, http.MethodPost
	return []route{
		{get, "/version", "", "", false, false, "", (*call).version},
		{post, "/access/ticket", "", "", false, true, "username password realm new-format tfa-challenge path privs otp", (*call).ticket},
		{get, "/access/domains", "", "", false, false, "", (*call).domains},
		{get, "/access/permissions", "", "", false, false, "path userid", (*call).permissions},

		{get, "/cluster/resources", "", "", false, false, "type", (*call).resources},
		{get, "/cluster/status", "/", sysAudit, false, true, "", (*call).clusterStatus},
		{get, "/cluster/tasks", "", "", false, false, "", (*call).clusterTasks},
		{get, "/cluster/backup", "/", sysAudit, false, false, "", (*call).backupJobs},
		{get, "/cluster/backup-info/not-backed-up", "/", sysAudit, false, true, "", (*call).notBackedUp},
		{get, "/cluster/ha/status/current", "/", sysAudit, false, false, "", (*call).haCurrent},
		{get, "/cluster/ha/status/manager_status", "/", sysAudit, false, false, "", (*call).haManager},
		{get, "/cluster/replication", "", "", false, false, "", (*call).replicationJobs},
		{get, "/cluster/ceph/status", "/", "Sys.Audit|Datastore.Audit", false, true, "", (*call).ceph},
		{get, "/cluster/metrics/export", "/", sysAudit, false, false, "local-only history start-time# node-list", (*call).metrics},

		{get, "/nodes", "", "", false, false, "", (*call).nodeList},
		{get, "/nodes/{node}/status", host, sysAudit, true, false, "", (*call).nodeStatus},
		{get, "/nodes/{node}/version", "", "", true, false, "", (*call).version},
		{get, "/nodes/{node}/qemu", "", "", true, true, "full", (*call).vmList},
		{get, "/nodes/{node}/lxc", "", "", true, true, "", (*call).containerList},
		{get, "/nodes/{node}/tasks", "", "", true, false, "errors limit# since# until# source start# typefilter userfilter vmid# statusfilter", (*call).nodeTasks},
		{get, "/nodes/{node}/tasks/{upid}/status", "", "", true, true, "", (*call).taskStatus},
		{get, "/nodes/{node}/tasks/{upid}/log", "", "", true, true, "start# limit# download", (*call).taskLog},
		{get, "/nodes/{node}/certificates/info", "", "", true, true, "", (*call).certificates},
		{get, "/nodes/{node}/rrddata", host, sysAudit, false, true, "timeframe cf", (*call).nodeHistory},

		{get, "/nodes/{node}/qemu/{vmid}/status/current", vm, vmAudit, true, true, "", (*call).vmStatus},
		{get, "/nodes/{node}/lxc/{vmid}/status/current", vm, vmAudit, true, true, "", (*call).containerStatus},
		{post, "/nodes/{node}/qemu/{vmid}/status/start", vm, "VM.PowerMgmt", true, true, "timeout#", (*call).startGuest},
		{post, "/nodes/{node}/qemu/{vmid}/status/stop", vm, "VM.PowerMgmt", true, true, "timeout# skiplock overrule-shutdown", (*call).stopGuest},
		{post, "/nodes/{node}/qemu/{vmid}/status/shutdown", vm, "VM.PowerMgmt", true, true, "timeout# forceStop skiplock", (*call).shutdownGuest},
		{post, "/nodes/{node}/lxc/{vmid}/status/start", vm, "VM.PowerMgmt", true, true, "debug", (*call).startGuest},
		{post, "/nodes/{node}/lxc/{vmid}/status/stop", vm, "VM.PowerMgmt", true, true, "skiplock overrule-shutdown", (*call).stopGuest},
		{post, "/nodes/{node}/lxc/{vmid}/status/shutdown", vm, "VM.PowerMgmt", true, true, "timeout# forceStop", (*call).shutdownGuest},
		{get, "/nodes/{node}/qemu/{vmid}/config", vm, vmAudit, true, false, "current", (*call).vmConfig},
		{get, "/nodes/{node}/lxc/{vmid}/config", vm, vmAudit, true, false, "current", (*call).containerConfig},
		{get, "/nodes/{node}/qemu/{vmid}/snapshot", vm, vmAudit, true, true, "", (*call).guestSnapshots},
		{get, "/nodes/{node}/lxc/{vmid}/snapshot", vm, vmAudit, true, true, "", (*call).guestSnapshots},
		{get, "/nodes/{node}/qemu/{vmid}/rrddata", vm, vmAudit, false, true, "timeframe cf", (*call).guestHistory},
		{get, "/nodes/{node}/lxc/{vmid}/rrddata", vm, vmAudit, false, true, "timeframe cf", (*call).guestHistory},
		{get, "/nodes/{node}/qemu/{vmid}/agent/get-fsinfo", vm, agent, true, true, "", (*call).agentFilesystems},
		{get, "/nodes/{node}/qemu/{vmid}/agent/get-osinfo", vm, agent, true, true, "", (*call).agentOS},
		{get, "/nodes/{node}/qemu/{vmid}/agent/network-get-interfaces", vm, agent, true, true, "", (*call).agentNetwork},

		{get, "/storage", "", "", false, false, "type", (*call).storageDefinitions},
		{get, "/nodes/{node}/storage", "", "", true, true, "content enabled format storage target", (*call).storageList},
		{get, "/nodes/{node}/storage/{storage}/status", store, storeSome, true, true, "", (*call).storageStatus},
		{get, "/nodes/{node}/storage/{storage}/content", store, storeSome, true, true, "content vmid#", (*call).storageContent},
	}
}
