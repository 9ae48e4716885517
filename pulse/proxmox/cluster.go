package proxmox

// ClusterStatus is the reply of PVE "GET /cluster/status".
type ClusterStatus struct {
	// Clustered is false for a single host that is in no cluster; Name and Quorate are then unset.
	Clustered bool
	// Name of the cluster; not unique in the world.
	Name string
	// Quorate tells whether the member that answered is in the majority. Without quorum its view of the others is not
	// to be trusted; whether to ask another one is the caller's choice.
	Quorate Opt[bool]
	// Members are in the server's order.
	Members []ClusterMember
}

// ClusterMember is one node as the membership sees it.
type ClusterMember struct {
	Name string
	// NodeID is 0 on a single host.
	NodeID int
	// IP is what the node name resolves to inside the cluster; it may not be reachable from elsewhere.
	IP     string
	Online bool
	// Local marks the member that answered.
	Local bool
	// Level is the subscription level: "" (none), "c", "b", "s" or "p".
	Level string
}

// Node is a row of PVE "GET /nodes".
type Node struct {
	ResourceNode
	// Fingerprint is of the certificate its API serves.
	Fingerprint Fingerprint
}
