package collect

import (
	"strconv"

	"github.com/proxpulse/proxpulse/pulse/proxmox"
)

// loadAverage is over 1, 5 and 15 minutes; nil unless all three are known.
func loadAverage(one, five, fifteen proxmox.Opt[float64]) []float64 {
	averages := make([]float64, 0, 3)
	for _, v := range []proxmox.Opt[float64]{one, five, fifteen} {
		load, ok := fraction(v).Get()
		if !ok {
			return nil
		}
		averages = append(averages, load)
	}
	return averages
}

// megahertz prints a clock rate the way Proxmox does; empty when unknown.
func megahertz(v proxmox.Opt[float64]) string {
	mhz, ok := processors(v).Get()
	if !ok {
		return ""
	}
	return strconv.FormatFloat(mhz, 'f', 3, 64)
}

// managerVersion writes a package version the way PVE names it.
func managerVersion(version string) string {
	if version == "" {
		return ""
	}
	return "pve-manager/" + version
}
