package proxmox

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// UPID is a parsed task id. A PVE one has eight fields, a PBS one nine.
type UPID struct {
	Node   string
	PID    uint32
	PStart uint64
	// PBS tells that the field only a PBS writes was there: TaskID counts the tasks of one process.
	PBS    bool
	TaskID uint64
	// Start is when the task began, in UTC.
	Start time.Time
	// Kind is the type, such as "vzdump".
	Kind string
	// WorkerID is what the task works on, with escapes undone; empty for tasks without one.
	WorkerID string
	// User is with its realm; TokenName is what follows "!" when a token started the task.
	User      string
	TokenName string
}

// ParseUPID reads "UPID:node:pid:pstart:start:type:id:user:" of PVE, or the form of PBS with a task id before the start.
// Colons in the worker id, which should be escaped, are put up with. It fails with [ErrInvalid].
func ParseUPID(text string) (UPID, error) {
	rest, ok := strings.CutPrefix(text, "UPID:")
	if !ok || !strings.HasSuffix(rest, ":") {
		return UPID{}, invalidUPID("it has no UPID: in front or no colon at the end")
	}
	fields := strings.Split(strings.TrimSuffix(rest, ":"), ":")
	if len(fields) < 7 {
		return UPID{}, invalidUPID("too few fields")
	}
	u := UPID{Node: fields[0]}
	if !nodeName(u.Node) {
		return UPID{}, invalidUPID("bad node name")
	}
	pid, err := hexField(fields[1], 8, 8)
	if err != nil {
		return UPID{}, err
	}
	u.PID = uint32(pid) //nolint:gosec // eight hex digits
	if u.PStart, err = hexField(fields[2], 8, 9); err != nil {
		return UPID{}, err
	}
	fields = fields[3:]
	if _, err := hexField(fields[1], 8, 8); err == nil && len(fields) >= 5 {
		u.PBS = true
		if u.TaskID, err = hexField(fields[0], 8, 16); err != nil {
			return UPID{}, err
		}
		fields = fields[1:]
	}
	start, err := hexField(fields[0], 8, 8)
	if err != nil {
		return UPID{}, err
	}
	u.Start = time.Unix(int64(start), 0).UTC() //nolint:gosec // eight hex digits fit
	last := len(fields) - 1
	u.Kind = fields[1]
	u.WorkerID = unescapeWorkerID(strings.Join(fields[2:last], ":"))
	u.User, u.TokenName, _ = strings.Cut(fields[last], "!")
	if u.Kind == "" || u.User == "" || strings.ContainsAny(text, " \t\r\n") {
		return UPID{}, invalidUPID("no type, no user, or white space")
	}
	return u, nil
}

func invalidUPID(why string) error { return fmt.Errorf("%w UPID: %s", ErrInvalid, why) }

func hexField(text string, shortest, longest int) (uint64, error) {
	if len(text) < shortest || len(text) > longest {
		return 0, invalidUPID("a number is too short or too long")
	}
	n, err := strconv.ParseUint(text, 16, 64)
	if err != nil {
		return 0, invalidUPID("a number is not hexadecimal")
	}
	return n, nil
}

func nodeName(text string) bool {
	if text == "" || len(text) > 253 {
		return false
	}
	for i := range len(text) {
		c := text[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return true
}

// unescapeWorkerID undoes \xNN; anything else stays as it is.
func unescapeWorkerID(text string) string {
	if !strings.Contains(text, `\x`) {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) && text[i+1] == 'x' {
			high, low := unhex(text[i+2]), unhex(text[i+3])
			if high >= 0 && low >= 0 {
				out.WriteByte(byte(high<<4 | low)) //nolint:gosec // two hex digits
				i += 3
				continue
			}
		}
		out.WriteByte(text[i])
	}
	return out.String()
}
