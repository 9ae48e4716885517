package lab

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/proxpulse/proxpulse/pulse/proxmox/sim"
)

// Target is an entry of a file that declares targets.
type Target struct {
	Type        string `json:"type"`
	Name        string `json:"name"`
	Host        string `json:"host"`
	User        string `json:"user,omitempty"`
	Password    string `json:"password,omitempty"`
	TokenID     string `json:"tokenId,omitempty"`
	TokenValue  string `json:"tokenValue,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Interval    string `json:"interval,omitempty"`
}

// Declare returns a target for each cluster, by its first member, and then for each backup server, with the token of
// the given role and the certificate's fingerprint.
func Declare(estate sim.Description, role sim.Role) []Target {
	targets := make([]Target, 0, len(estate.Clusters)+len(estate.BackupServers))
	for _, c := range estate.Clusters {
		credential := c.Credentials[role]
		targets = append(targets, Target{
			Type: "pve", Name: c.Name, Host: c.URL(), TokenID: credential.TokenID, TokenValue: credential.TokenSecret,
			Fingerprint: c.Nodes[0].Fingerprint,
		})
	}
	for _, s := range estate.BackupServers {
		credential := s.Credentials[role]
		targets = append(targets, Target{
			Type: "pbs", Name: s.Name, Host: s.URL, TokenID: credential.TokenID, TokenValue: credential.TokenSecret,
			Fingerprint: s.Fingerprint,
		})
	}
	return targets
}

// WriteTargets writes the file that declares targets, for PULSE_TARGETS.
func WriteTargets(path string, targets []Target) error {
	text, err := json.MarshalIndent(map[string]any{"targets": targets}, "", "  ")
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write targets: %w", err)
	}
	return nil
}
