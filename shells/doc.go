// Package shells puts the rooms together for the programs that run Pulse: a store, the keys that seal secrets, a
// [pulse.Monitor] and the API over it.
//
// [Open] is the only reader of the environment, through a function, so that a test gives a map and a program lays its
// flags over it. [Settings] lists everything that is read. Values that cannot be used are reported all at once, by name
// and without the value, which may be a secret. Every error of Open is a sentence for the person who starts the
// program, and after an error nothing that was stored has been changed.
//
// Concrete stores are not linked here: a program names those it wants in [Parts]. Open starts nothing; the program runs
// the monitor, serves the API and closes both.
//
// The package is for Pulse's own programs and may change.
package shells
