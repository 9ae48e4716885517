package redisstore

import "strconv"

// keys names what the store has in Redis. Lengths before names make all of them distinct, whatever characters they hold.
type keys struct {
	prefix   string
	database int
}

// group holds the beginning of the names of one group's keys.
type group string

func (k keys) group(name string) group {
	return group(k.prefix + ":{" + strconv.Itoa(len(name)) + ":" + name + "}:")
}

func (g group) meta() string      { return string(g) + "m" }
func (g group) revisions() string { return string(g) + "r" }
func (g group) values() string    { return string(g) + "v" }
func (g group) chunks() string    { return string(g) + "x" }
func (g group) blocks() string    { return string(g) + "d" }
func (g group) names() string     { return string(g) + "l" }
func (g group) deadlines() string { return string(g) + "e" }

// all is every key of the group, in the order the script of commits wants them.
func (g group) all() []string {
	return []string{g.meta(), g.revisions(), g.values(), g.chunks(), g.blocks(), g.names(), g.deadlines()}
}

func (k keys) lease(name string) string { return k.prefix + ":{l:" + name + "}" }

func (k keys) counter(name string) string { return k.prefix + ":{n:" + name + "}" }

// rights is only touched to see whether it may be.
func (k keys) rights() string { return k.prefix + ":{rights}" }

// channel names the database, since a channel belongs to all databases of a server.
func (k keys) channel() string { return k.prefix + ":hints:" + strconv.Itoa(k.database) }
