package main

import "strconv"

// scene is an estate and what is measured on it.
type scene struct {
	name     string
	estate   estate
	once     bool // one run is enough
	reads    bool
	streams  bool
	settled  bool // everything slow was read before; takes long and is left to itself
	diskOnly bool // nothing but what is written to disk
	optional bool // measured only when it is asked for
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
		{name: "1000-settled", estate: estate{5, 3, 1000, 1}, once: true, settled: true, optional: true},
		{name: "10000-settled", estate: estate{10, 5, 10_000, 2}, once: true, settled: true, optional: true},
		{name: "disk-200", estate: estate{1, 3, 200, 1}, diskOnly: true},
	}
}

// beside tells whether a scene takes long and hardly any CPU, so that others may go on meanwhile.
func (s scene) beside() bool { return s.settled || s.diskOnly }

// sceneNames are the scenes that are measured unless others are asked for.
func sceneNames() []string {
	var names []string
	for _, s := range scenes() {
		if !s.optional {
			names = append(names, s.name)
		}
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
