package wire

import "time"

var testNow = time.Date(2026, 11, 23, 19, 11, 39, 115529039, time.UTC)
