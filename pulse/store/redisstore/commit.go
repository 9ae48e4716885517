package redisstore

import (
	"context"
	"fmt"
	"strconv"

	"github.com/proxpulse/proxpulse/pulse/store"
)

// Commit implements [store.Store].
func (s *Store) Commit(ctx context.Context, c store.Commit) (store.Revision, error) {
	if err := c.Validate(); err != nil {
		return store.Revision{}, fmt.Errorf("commit: %w", err)
	}
	keys, args := s.keys.group(c.Group).all(), s.commitArgs(c)
	answer, err := do(ctx, s, false, func() ([]any, error) {
		return s.scripts.commit.Run(ctx, s.client, keys, args...).Slice()
	})
	var rev store.Revision
	if err == nil {
		rev, err = s.verdict(c, answer)
	}
	if err != nil {
		return store.Revision{}, fmt.Errorf("commit to group %q: %w", c.Group, err)
	}
	return rev, nil
}

// verdict reads the answer to a commit.
func (s *Store) verdict(c store.Commit, answer []any) (store.Revision, error) {
	place, err := strconv.Atoi(text(answer, 1))
	switch word := text(answer, 0); {
	case word == "ok":
		return s.revision(answer[1:])
	case word == "gone":
		return store.Revision{}, store.ErrGone
	case word == "exists":
		return store.Revision{}, &store.ConflictError{Group: c.Group}
	case word == "key" && err == nil && place >= 1 && place <= len(c.Ops):
		return store.Revision{}, &store.ConflictError{Group: c.Group, Key: c.Ops[place-1].Key}
	case word == "chunk" && err == nil && place >= 1 && place <= len(c.Appends):
		return store.Revision{}, &store.ConflictError{Group: c.Group, Chunk: c.Appends[place-1].Chunk}
	}
	return store.Revision{}, s.strange(answer)
}

// commitArgs is what the script of commits takes. It shares no memory with c.
func (s *Store) commitArgs(c store.Commit) []any {
	args := make([]any, 0, 5+5*len(c.Ops)+4*len(c.Appends))
	args = append(args, s.clockOffset(), epochText(c.Epoch), epochText(store.NewEpoch()), len(c.Ops), len(c.Appends))
	for _, op := range c.Ops {
		kind, value := "s", []byte(nil)
		switch {
		case op.CheckOnly:
			kind = "c"
		case op.Delete:
			kind = "d"
		default:
			value = s.codec.encode(op.Value)
		}
		args = append(args, kind, op.Key, wanted(op, c.Epoch), micros(op.TTL), value)
	}
	for _, a := range c.Appends {
		args = append(args, a.Chunk, a.At, micros(a.TTL), string(a.Data))
	}
	return args
}

func epochText(epoch uint64) string {
	if epoch == 0 {
		return ""
	}
	return strconv.FormatUint(epoch, 10)
}

// wanted is the revision an op demands; one of another epoch is none that a key of this group could have.
func wanted(op store.Op, epoch uint64) string {
	switch {
	case op.Any:
		return "*"
	case op.Rev.IsZero():
		return ""
	case op.Rev.Epoch != epoch:
		return "never"
	}
	return strconv.FormatUint(op.Rev.N, 10)
}

// Drop implements [store.Store].
func (s *Store) Drop(ctx context.Context, group string) error {
	if err := store.ValidateName("group", group); err != nil {
		return fmt.Errorf("drop: %w", err)
	}
	all := s.keys.group(group).all()
	_, err := do(ctx, s, false, func() (int64, error) { return s.client.Unlink(ctx, all...).Result() })
	if err != nil {
		return fmt.Errorf("drop group %q: %w", group, err)
	}
	return nil
}
