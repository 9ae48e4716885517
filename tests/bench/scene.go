package main

import "strconv"

// scene is an estate and what is measured on it.
type scene struct {
	name     string
	estate   estate
	once     bool // one run is enough
	reads    bool
	streams  bool
	diskOnly bool // nothing but what is written to disk
}

// estate says how large a simulated estate is.
type estate struct{ clusters, nodes, guests, backupServers int }

const backupsPerGuest = 8

func scenes() []scene {
	return []scene{
		{name: "1000", estate: estate{5, 3, 1000, 1}, reads: true, streams: true},
		{name: "10000", estate: estate{10, 5, 10_000, 2}, reads: true},
		{name: "1000-one-cluster", estate: estate{1, 15, 1000, 1}, once: true},
		{name: "1000-50-targets", estate: estate{49, 1, 1000, 1}, once: true},
		{name: "disk-200", estate: estate{1, 3, 200, 1}, diskOnly: true},
	}
}

func sceneNames() []string {
	var names []string
	for _, s := range scenes() {
		names = append(names, s.name)
	}
	return names
}

// args are the simulator's. Its tasks end at once, so that a guest is stopped when the order to stop it returns.
func (e estate) args() []string {
	return []string{
		"-clusters", strconv.Itoa(e.clusters), "-nodes", strconv.Itoa(e.nodes), "-guests", strconv.Itoa(e.guests),
		"-pbs", strconv.Itoa(e.backupServers), "-backups-per-guest", strconv.Itoa(backupsPerGuest),
		"-change-share", "0.9", "-task-duration", "0s",
	}
}
