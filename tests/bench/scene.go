package main

import (
	"cmp"
	"strconv"
)

// scene is an estate and what is measured on it.
type scene struct {
	name     string
	estate   estate
	once     bool // one run is enough
	reads    bool
	streams  bool
	settled  bool    // everything slow was read before; takes long and is left to itself
	diskOnly bool    // nothing but what is written to disk
	optional bool    // measured only when it is asked for
	replicas int     // how many Pulses share a Redis; 0 for one with a file
	cloud    bool    // the functions of AWS Lambda in place of a Pulse that stays
	changing float64 // the share of the guests whose values move in a tick; 0 for nine in ten
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
		{name: "1000-replicas", estate: estate{5, 3, 1000, 1}, once: true, replicas: 2, changing: 0.1},
		{name: "1000-functions", estate: estate{5, 3, 1000, 1}, once: true, cloud: true},
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
func (s scene) args() []string {
	e, changing := s.estate, cmp.Or(s.changing, 0.9)
	return []string{
		"-clusters", strconv.Itoa(e.clusters), "-nodes", strconv.Itoa(e.nodes), "-guests", strconv.Itoa(e.guests),
		"-pbs", strconv.Itoa(e.backupServers), "-backups-per-guest", strconv.Itoa(backupsPerGuest),
		"-change-share", strconv.FormatFloat(changing, 'g', -1, 64), "-task-duration", "0s",
	}
}
