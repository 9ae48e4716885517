package shells

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/proxpulse/proxpulse/pulse/config"
)

// maxTargetsFile bounds the size of a file that declares targets, in bytes.
const maxTargetsFile = 4 << 20

// declaration is what a file or a variable declares.
type declaration struct {
	targets []config.Target // with their secrets
	// exposed is the file where other users can read a secret; empty when there is none.
	exposed string
}

// declared reads the declared targets; none when nothing is declared. All errors are reported together; they name the
// file or variable, the entry and its field.
func (d data) declared() (declaration, error) {
	switch {
	case d.targetsFile != "":
		return declaredIn(d.targetsFile)
	case !d.targetsText.IsZero():
		targets, _, err := decodeTargets([]byte(d.targetsText.Reveal()), envTargetsData, ".")
		return declaration{targets: targets}, err
	}
	return declaration{}, nil
}

func declaredIn(path string) (declaration, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return declaration{}, fmt.Errorf("%s: %w", envTargets, err)
	}
	text, err := readBounded(path)
	if err != nil {
		return declaration{}, fmt.Errorf("%s: %w", envTargets, err)
	}
	targets, inPlace, err := decodeTargets(text, path, filepath.Dir(path))
	if err != nil {
		return declaration{}, err
	}
	d := declaration{targets: targets}
	if inPlace && readableByOthers(path) {
		d.exposed = path
	}
	return d, nil
}

func readBounded(path string) (text []byte, err error) {
	file, err := os.Open(path) //nolint:gosec // the person who starts the program names the file
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	text, err = io.ReadAll(io.LimitReader(file, maxTargetsFile+1))
	if err == nil && len(text) > maxTargetsFile {
		err = fmt.Errorf("%s: want at most %d MiB", path, maxTargetsFile>>20)
	}
	return text, err
}

// decodeTargets reads targets written as YAML or JSON; the files that hold secrets are found from dir. InPlace tells
// whether text holds a secret itself.
func decodeTargets(text []byte, source, dir string) (targets []config.Target, inPlace bool, err error) {
	if !isJSON(text) {
		if text, err = jsonOfYAML(text); err != nil {
			return nil, false, fmt.Errorf("%s: %w", source, err)
		}
	}
	entries, err := config.DecodeDeclared(text, source)
	if err != nil {
		return nil, false, err
	}
	var bad []error
	targets = make([]config.Target, 0, len(entries))
	for i, entry := range entries {
		inPlace = inPlace || !entry.Target.Password.IsZero() || !entry.Target.TokenSecret.IsZero()
		if err := fetchSecrets(&entry, dir); err != nil {
			bad = append(bad, fmt.Errorf("%s: targets[%d]: %w", source, i, err))
		}
		targets = append(targets, entry.Target)
	}
	if len(bad) > 0 {
		return nil, false, errors.Join(bad...)
	}
	return targets, inPlace, nil
}

// isJSON tells whether text is meant as JSON. YAML that begins so is JSON too, but for what the stricter reader of JSON
// then names with its place.
func isJSON(text []byte) bool { return strings.HasPrefix(strings.TrimSpace(string(text)), "{") }

// fetchSecrets reads the secrets that an entry keeps in files, without the line break that editors put at the end.
func fetchSecrets(entry *config.Declared, dir string) error {
	for _, from := range []struct {
		field, file string
		secret      *config.Secret
	}{
		{"passwordFile", entry.PasswordFile, &entry.Target.Password},
		{"tokenValueFile", entry.TokenValueFile, &entry.Target.TokenSecret},
	} {
		if from.file == "" {
			continue
		}
		path := from.file
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		text, err := readSecret(path)
		if err != nil {
			return fmt.Errorf("%s: %w", from.field, err)
		}
		*from.secret = config.NewSecret(strings.TrimRight(text, "\r\n"))
		var field *config.FieldError
		if err := entry.Target.Validate(); errors.As(err, &field) {
			return &config.FieldError{Field: from.field, Reason: field.Reason}
		}
	}
	return nil
}
