package main

import (
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/proxpulse/proxpulse/shells"
)

// commandLine is what the arguments say.
type commandLine struct {
	version  bool
	health   bool
	answered bool              // the help was asked for and written
	settings map[string]string // by environment name; what a flag gave
}

// over lays the flags over the environment.
func (l commandLine) over(getenv func(string) string) func(string) string {
	return func(env string) string {
		if value, ok := l.settings[env]; ok {
			return value
		}
		return getenv(env)
	}
}

// commands are the flags that are no settings.
type commands struct {
	Version bool `help:"Print the version and end."`
	Health  bool `help:"Ask the Pulse that runs on this machine with the same settings whether it is healthy, and end: for containers."`
}

// description introduces the help and lists what has no flag.
func description(settings []shells.Setting) string {
	var b strings.Builder
	b.WriteString("Watches Proxmox VE clusters and Proxmox Backup Servers.\n\n" +
		"Each flag has a name in the environment, shown in parentheses; the flag wins. Secrets have no flag, since " +
		"every user of a machine can read command lines. In the environment alone:\n\n")
	for _, s := range settings {
		if s.Flag == "" {
			fmt.Fprintf(&b, "  %-30s %s.\n", s.Env, s.Help)
		}
	}
	return b.String()
}

// parse reads the arguments. Each setting that has a flag gets it from the list of settings, so that the two agree.
func parse(args []string, stdout io.Writer) (commandLine, error) {
	var also commands
	settings := shells.Settings()
	flags := reflect.New(flagsType(settings))
	line := commandLine{settings: map[string]string{}}
	parser, err := kong.New(flags.Interface(),
		kong.Name("pulse"),
		kong.Description(description(settings)),
		kong.Embed(&also),
		kong.Writers(stdout, stdout),
		kong.Exit(func(int) { line.answered = true }),
	)
	if err != nil {
		return line, fmt.Errorf("describe the flags: %w", err)
	}
	if _, err := parser.Parse(args); err != nil && !line.answered {
		return line, fmt.Errorf("%w; --help lists the flags", err)
	}
	line.version, line.health = also.Version, also.Health
	for i, s := range withFlag(settings) {
		switch value := flags.Elem().Field(i).Interface().(type) {
		case *string:
			if value != nil {
				line.settings[s.Env] = *value
			}
		case *bool:
			if value != nil {
				line.settings[s.Env] = strconv.FormatBool(*value)
			}
		}
	}
	return line, nil
}

func withFlag(settings []shells.Setting) []shells.Setting {
	var out []shells.Setting
	for _, s := range settings {
		if s.Flag != "" {
			out = append(out, s)
		}
	}
	return out
}

// flagsType makes the struct from which kong takes the flags: a pointer for each, nil unless given.
func flagsType(settings []shells.Setting) reflect.Type {
	var fields []reflect.StructField
	for i, s := range withFlag(settings) {
		field := reflect.StructField{Name: fmt.Sprintf("Flag%d", i), Type: reflect.TypeFor[*string]()}
		tag := fmt.Sprintf("name:%q help:%q", s.Flag, flagHelp(s))
		if s.Value == "" {
			field.Type = reflect.TypeFor[*bool]()
		} else {
			tag += fmt.Sprintf(" placeholder:%q", s.Value)
		}
		field.Tag = reflect.StructTag(tag)
		fields = append(fields, field)
	}
	return reflect.StructOf(fields)
}

func flagHelp(s shells.Setting) string {
	help := s.Help + "."
	if s.Default != "" {
		help += " Default: " + s.Default + "."
	}
	return help + " (" + s.Env + ")"
}
