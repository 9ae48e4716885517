// Package proxpulse_test holds the whole module to its own rules: which room may import which, where other
// people's modules may be used, and what no package may contain.
package proxpulse_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/proxpulse/proxpulse"

// arrows says what each room may import, directly or through the rooms it names; any room may also import the
// leaves, except that a leaf imports only what stands here. A new line is a design decision: its commit says why.
var arrows = map[string][]string{
	"shells/standalone": {
		"shells", "pulse/metrics", "pulse/dashboard", "pulse/update", "pulse/store/sqlitestore",
		"pulse/store/redisstore", "pulse/notify/email", "pulse/notify/webhook", "pulse/notify/services",
		"pulse/proxmox/sim",
	},
	"shells/lambda": {
		"shells", "shells/function", "pulse/store/redisstore", "pulse/notify/email", "pulse/notify/webhook", "pulse/notify/services",
	},
	"shells/poller": {
		"shells", "shells/function", "pulse/store/redisstore", "pulse/notify/email", "pulse/notify/webhook", "pulse/notify/services",
	},
	"shells/function":       {"shells"}, // what both programs for AWS Lambda do around their events
	"shells/lambda/archive": {},         // builds and packs them
	"shells":                {"pulse/api"},
	"openapi/gen":           {"pulse/api"},
	"pulse/api":             {"pulse/access", "pulse/bundle", "pulse/setup"},
	"pulse/bundle":          {"pulse"},
	"pulse/setup":           {"pulse"},
	"pulse/metrics":         {"pulse"},
	"pulse/access":          {"pulse"},
	"pulse":                 {"pulse/collect", "pulse/ingest", "pulse/notify", "pulse/history", "pulse/wire"},

	"pulse/collect": {},
	"pulse/ingest":  {},
	"pulse/wire":    {"pulse/alert", "pulse/backup"},
	"pulse/notify":  {"pulse/alert"},
	"pulse/alert":   {"pulse/backup"},
	"pulse/backup":  {},
	"pulse/history": {},
	"pulse/update":  {},

	"pulse/notify/email":      {"pulse/notify"},
	"pulse/notify/webhook":    {"pulse/notify"},
	"pulse/notify/services":   {"pulse/notify"},
	"pulse/store/sqlitestore": {},
	"pulse/store/redisstore":  {},
	"pulse/store/storetest":   {},

	"pulse/config":       {"pulse/estate"},
	"pulse/estate":       {},
	"pulse/proxmox":      {},
	"pulse/proxmox/sim":  {},
	"pulse/store":        {},
	"pulse/netguard":     {},
	"pulse/dashboard":    {},
	"openapi":            {}, // the generated documents, embedded
	"openapi/clients/go": {}, // the generated client, for programs that only ask a running Pulse
}

// leaves are the rooms that every other one may import.
var leaves = []string{
	"pulse/estate", "pulse/proxmox", "pulse/store", "pulse/netguard", "pulse/dashboard", "pulse/config", "openapi",
}

// outside are the rooms that use the module as anyone could, and may import all of it.
var outside = []string{"tests", "examples"}

// moduleRooms says which rooms may import other people's modules.
var moduleRooms = map[string][]string{
	"github.com/danielgtaylor/huma/v2":    {"pulse/api"},
	"github.com/gorilla/websocket":        {"pulse/api", "openapi/clients/go"},
	"github.com/redis/go-redis/v9":        {"pulse/store/redisstore"},
	"modernc.org/sqlite":                  {"pulse/store/sqlitestore"},
	"github.com/klauspost/compress":       {"pulse/wire", "pulse/store/sqlitestore", "pulse/store/redisstore"},
	"github.com/wneessen/go-mail":         {"pulse/notify/email"},
	"github.com/nicholas-fedor/shoutrrr":  {"pulse/notify/services"},
	"github.com/prometheus/client_golang": {"pulse/metrics"},
	"filippo.io/age":                      {"pulse/bundle"},
	"github.com/minio/selfupdate":         {"pulse/update"},
	"github.com/alecthomas/kong":          {"shells/standalone", "shells/lambda", "shells/poller"},
	"go.yaml.in/yaml/v4":                  {"shells"},
	"github.com/aws":                      {"shells/lambda", "shells/poller", "shells/function"},
	"github.com/awslabs":                  {"shells/lambda", "shells/poller"},
	"github.com/oapi-codegen/runtime":     {"openapi/clients/go"},
	"github.com/stretchr/testify":         {"pulse/store/storetest"},
	"pgregory.net/rapid":                  {"pulse/store/storetest"},
}

// unnamed are names that say nothing about what a package is for.
var unnamed = []string{"util", "utils", "common", "helper", "helpers", "types", "model", "models", "base", "misc", "shared"}

// listed is what go list tells about a package.
type listed struct {
	ImportPath     string
	Name           string
	Doc            string
	Dir            string
	Imports        []string
	GoFiles        []string
	IgnoredGoFiles []string
	Standard       bool
}

// room returns the package's path within the module.
func (p listed) room() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

func TestArchitecture(t *testing.T) {
	t.Parallel()
	packages, standard := listProject(t)
	require.NotEmpty(t, packages)
	for name, broken := range map[string][]string{
		"imports point one way":                     checkArrows(packages),
		"other people's modules stay in their room": checkModules(packages, standard),
		"packages say what they are for":            checkDocs(packages),
		"packages are named for what they hold":     checkNames(packages),
		"sources keep the rules":                    checkSources(t, packages),
		"files speak of the project only":           checkFiles(t, "."),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, broken, "%s", strings.Join(broken, "\n"))
		})
	}
}

// listProject returns the packages of the module, and the import paths of the standard library.
func listProject(t *testing.T) (packages []listed, standard map[string]bool) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-test=false", "-json", "./...")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "go list: %s", stderr.String())
	standard = map[string]bool{"C": true}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages, standard
		}
		require.NoError(t, err)
		switch {
		case p.Standard:
			standard[p.ImportPath] = true
		case strings.HasPrefix(p.ImportPath, module+"/"): // at the root itself there are tests only
			packages = append(packages, p)
		}
	}
}

// within tells whether a package lies in a room or below it.
func within(pkg string, rooms ...string) bool {
	return slices.ContainsFunc(rooms, func(room string) bool { return pkg == room || strings.HasPrefix(pkg, room+"/") })
}

// reach adds to found the rooms that can be reached by arrows.
func reach(room string, found map[string]bool) {
	for _, next := range arrows[room] {
		if !found[next] {
			found[next] = true
			reach(next, found)
		}
	}
}

func checkArrows(packages []listed) (broken []string) {
	for _, p := range packages {
		if within(p.room(), outside...) {
			continue
		}
		room := p.room()
		if _, ok := arrows[room]; !ok {
			broken = append(broken, room+": no room of the house")
			continue
		}
		allowed := map[string]bool{room: true}
		reach(room, allowed)
		for _, path := range p.Imports {
			to, ours := strings.CutPrefix(path, module+"/")
			if !ours {
				continue
			}
			if !allowed[to] && (slices.Contains(leaves, room) || !slices.Contains(leaves, to)) {
				broken = append(broken, fmt.Sprintf("%s imports %s", room, to))
			}
		}
	}
	return broken
}

func checkModules(packages []listed, standard map[string]bool) (broken []string) {
	for _, p := range packages {
		if within(p.room(), outside...) {
			continue
		}
		for _, path := range p.Imports {
			if standard[path] || within(path, module) {
				continue
			}
			known := slices.ContainsFunc(slices.Collect(maps.Keys(moduleRooms)), func(m string) bool {
				return within(path, m) && slices.Contains(moduleRooms[m], p.room())
			})
			if !known {
				broken = append(broken, fmt.Sprintf("%s imports %s", p.room(), path))
			}
		}
	}
	return broken
}

func checkDocs(packages []listed) (broken []string) {
	for _, p := range packages {
		if p.Doc == "" && len(p.GoFiles) > 0 {
			broken = append(broken, p.room()+": no package comment")
		}
	}
	return broken
}

func checkNames(packages []listed) (broken []string) {
	for _, p := range packages {
		last := p.room()[strings.LastIndexByte(p.room(), '/')+1:]
		if slices.Contains(unnamed, p.Name) || slices.Contains(unnamed, last) {
			broken = append(broken, p.room()+": a name that says nothing")
		}
	}
	return broken
}

// ours returns a package that imports others of the module.
func ours(room string, imports ...string) listed {
	for i := range imports {
		imports[i] = module + "/" + imports[i]
	}
	return listed{ImportPath: module + "/" + room, Name: "x", Doc: "Package x.", Imports: imports}
}

func TestArrowsCanBreak(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ from, to string }{
		{"pulse/wire", "pulse"},
		{"pulse/collect", "pulse/wire"},
		{"pulse/proxmox", "pulse/config"},
		{"pulse/estate", "pulse/config"},
		{"pulse/store", "pulse/store/storetest"},
		{"pulse/config", "pulse/store"},
		{"pulse/proxmox/sim", "pulse/api"},
		{"pulse", "pulse/api"},
		{"pulse", "pulse/proxmox/sim"},
		{"pulse", "pulse/store/sqlitestore"},
		{"pulse/collect", "pulse/proxmox/sim"},
		{"shells", "pulse/store/sqlitestore"},
		{"shells", "pulse/proxmox/sim"},
		{"shells/lambda", "pulse/store/sqlitestore"},
		{"shells/lambda", "pulse/proxmox/sim"},
		{"pulse/api", "shells"},
		{"pulse/api", "tests/simulator"},
		{"pulse/api", "pulse/unknown/x"},
	} {
		require.Len(t, checkArrows([]listed{ours(tt.from, tt.to)}), 1, "%s -> %s", tt.from, tt.to)
	}
	require.Len(t, checkArrows([]listed{ours("attic"), ours("pulse/attic")}), 2, "packages that are no rooms")
	for _, tt := range []struct{ from, to string }{
		{"pulse", "pulse/estate"},
		{"pulse/config", "pulse/estate"},
		{"pulse/api", "pulse/wire"},
		{"shells", "pulse"},
		{"shells/standalone", "pulse/proxmox/sim"},
		{"tests/simulator", "pulse/proxmox/sim"},
		{"examples/embed", "pulse/proxmox/sim"},
	} {
		require.Empty(t, checkArrows([]listed{ours(tt.from, tt.to)}), "%s -> %s", tt.from, tt.to)
	}
}

func TestEveryArrowLeadsToARoom(t *testing.T) {
	t.Parallel()
	for room, to := range arrows {
		found := map[string]bool{}
		reach(room, found)
		require.False(t, found[room], "%s can be reached from itself", room)
		for _, next := range to {
			require.Contains(t, arrows, next)
		}
	}
	for _, rooms := range moduleRooms {
		for _, room := range rooms {
			require.Contains(t, arrows, room)
		}
	}
}

func TestModuleRoomsCanBreak(t *testing.T) {
	t.Parallel()
	standard := map[string]bool{"net/http": true}
	for room, path := range map[string]string{
		"pulse/config":            "github.com/stretchr/testify/require",
		"pulse/wire":              "modernc.org/sqlite",
		"pulse/store":             "github.com/klauspost/compress/zstd",
		"pulse":                   "github.com/danielgtaylor/huma/v2",
		"pulse/store/sqlitestore": "modernc.org/sqliteother",
		"pulse/api":               "example.com/new",
	} {
		p := ours(room)
		p.Imports = []string{"net/http", path}
		require.Len(t, checkModules([]listed{p}, standard), 1, "%s -> %s", room, path)
	}
	p := ours("pulse/store/sqlitestore")
	p.Imports = []string{"modernc.org/sqlite/lib", "net/http"}
	require.Empty(t, checkModules([]listed{p}, standard))
}

func TestPackageRulesCanBreak(t *testing.T) {
	t.Parallel()
	silent := ours("pulse/wire")
	silent.Doc, silent.GoFiles = "", []string{"x.go"}
	require.Len(t, checkDocs([]listed{silent, ours("pulse")}), 1)
	named := ours("pulse/wire")
	named.Name = "helpers"
	require.Len(t, checkNames([]listed{ours("pulse/common"), named, ours("pulse")}), 2)
}
