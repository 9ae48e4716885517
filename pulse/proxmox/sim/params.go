package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// parameters are those of the query and of a form or JSON body.
func parameters(req *request) (url.Values, error) {
	out, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil || len(req.body) == 0 {
		return out, err
	}
	if strings.HasPrefix(req.Header.Get("Content-Type"), "application/json") {
		var fields map[string]any
		if err := json.Unmarshal(req.body, &fields); err != nil {
			return nil, err
		}
		for name, value := range fields {
			out.Set(name, fmt.Sprint(value))
		}
		return out, nil
	}
	form, err := url.ParseQuery(string(req.body))
	maps.Copy(out, form)
	return out, err
}

var wholeNumber = regexp.MustCompile(`^-?\d+$`)

// checkParams finds unknown and malformed parameters.
func (k *call) checkParams(r *route) map[string]string {
	wrong := map[string]string{}
	if vmid, found := k.vars["vmid"]; found {
		if !wholeNumber.MatchString(vmid) {
			wrong["vmid"] = fmt.Sprintf("type check ('integer') failed - got '%s'", vmid)
		} else if n, err := strconv.Atoi(vmid); err != nil || n < 100 || n > 999_999_999 {
			wrong["vmid"] = "invalid format - value does not look like a valid VM ID\n"
		}
	}
	known := strings.Fields(r.params)
	for name, values := range k.params {
		kind, found := paramKind(known, name)
		switch {
		case !found:
			wrong[name] = "property is not defined in schema and the schema does not allow additional properties"
		case kind == "#" && !wholeNumber.MatchString(values[0]):
			wrong[name] = fmt.Sprintf("type check ('integer') failed - got '%s'", values[0])
		}
	}
	return wrong
}

// paramKind is "#" for an integer parameter.
func paramKind(known []string, name string) (kind string, found bool) {
	for _, one := range known {
		if plain, isNumber := strings.CutSuffix(one, "#"); plain == name {
			if isNumber {
				return "#", true
			}
			return "", true
		}
	}
	return "", false
}
