// Package collect decides what to ask a target and when, and turns the replies into an [estate.Observation].
//
// A [Collector] makes one full pass over one target at a time. A PVE cluster costs one request per pass, a Proxmox
// Backup Server one; everything that changes slowly is read in rotation, so that all slow readings of a target together
// average below one request per ten seconds. Between passes [Collector.Watch] follows the cluster's task list, which is
// fresher than the numbers, and reads only the guests that a task concerned.
//
// What a later pass has to know is in the observation itself: a pass can be made by another process than the last one.
// An observation is never changed; a new one shares with the old one what stayed the same.
//
// Nothing here invents a value. What a reply leaves out keeps its last known number with the age it had, and what was
// never known stays unknown. A failed pass is an observation too.
//
// The package is for embedders and kept compatible from v1 on.
package collect
