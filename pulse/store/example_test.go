package store_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// A change reads, decides, and writes on the condition that what was read is still so; otherwise it begins again.
func ExampleStore() {
	ctx := context.Background()
	var s store.Store = store.NewMemory()
	defer func() { _ = s.Close() }()

	for {
		g, err := s.Get(ctx, "system", "motto")
		if err != nil {
			fmt.Println(err)
			return
		}
		op := store.Op{Key: "motto", Value: []byte("watch well")} // the zero Rev: must be absent
		if len(g.Items) > 0 {
			op.Rev = g.Items[0].Rev
		}
		rev, err := s.Commit(ctx, store.Commit{Group: "system", Epoch: g.Rev.Epoch, Ops: []store.Op{op}})
		if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrGone) {
			continue
		}
		fmt.Println(rev.N, err)
		return
	}
	// Output: 1 <nil>
}
