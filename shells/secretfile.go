package shells

import (
	"errors"
	"fmt"
	"strings"
)

// fromFiles are the settings that are secrets, or hold one, and may stand in a file instead of the environment.
var fromFiles = []string{envToken, envStore, envKey, envKeyPrevious}

// fileOf is the setting that names the file in which another one stands.
func fileOf(env string) string { return env + "_FILE" }

// withSecretFiles lays the contents of the files that hold settings over the environment. A setting whose file cannot be
// used stays as it is, named by its file.
func withSecretFiles(getenv func(string) string) (func(string) string, error) {
	contents := map[string]string{}
	var bad []error
	for _, env := range fromFiles {
		path := strings.TrimSpace(getenv(fileOf(env)))
		if path == "" || strings.TrimSpace(getenv(env)) != "" { // both are refused with the rest
			continue
		}
		text, err := readSecret(path)
		if text = strings.TrimSpace(text); err == nil && text == "" {
			err = fmt.Errorf("%s is empty", path)
		}
		if err != nil {
			bad = append(bad, &SettingError{Env: fileOf(env), Reason: err.Error()})
			continue
		}
		contents[env], contents[fileOf(env)] = text, ""
	}
	over := func(env string) string {
		if text, ok := contents[env]; ok {
			return text
		}
		return getenv(env)
	}
	return over, errors.Join(bad...)
}

// secret returns a setting that may stand in a file; what stands there is not read here.
func (r *reader) secret(env string) string {
	text, file := r.text(env), r.text(fileOf(env))
	if text != "" && file != "" {
		r.refuse(fileOf(env), "want only one of "+env+" and "+fileOf(env))
	}
	return text
}

// given tells whether a setting is there, itself or in a file.
func (r *reader) given(env string) bool { return r.text(env) != "" || r.text(fileOf(env)) != "" }

// require refuses what is missing.
func (r *reader) require(names []string) {
	for _, env := range names {
		if !r.given(env) {
			r.refuse(env, "is required; it may stand in a file that "+fileOf(env)+" names")
		}
	}
}
