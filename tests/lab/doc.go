// Package lab builds Pulse and the simulated estate and runs them as processes of their own, for tests that treat
// the programs as black boxes and for benchmarks that measure one of them alone.
//
// [Build] makes the executables, [StartSimulator] and [StartPulse] start them and return when they are ready to be
// asked, [WriteTargets] and [Declare] make Pulse watch the simulated servers. [StartRedis] runs a redis-server of this
// machine, and [StartProxy] a way to a server that can be cut. [StartFunction] runs a program as AWS Lambda does, over
// its runtime API, and a [Front] makes requests events for it. Each process ends with the context it was started with,
// and has methods that end it earlier, in order or at once. Nothing here waits for a length of time: [Await] asks for a
// condition until it holds or the context ends.
//
// Values are safe for concurrent use. Package labtest has the same for tests, with clean-up.
package lab
