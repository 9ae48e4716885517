package store

import "context"

// Result is what became of one commit of several.
type Result struct {
	Rev Revision // as Commit returns it
	Err error    // as Commit returns it: a conflict, a group that is gone, ErrInvalid
}

// Batcher is what a store adds that writes several commits at less cost together than one by one.
type Batcher interface {
	// CommitMany makes the commits in their order and gives a result for each. A commit that fails leaves the others as
	// they are. The error is for what fails all of them, as a full disk does; then nothing was written. If one of the
	// commits is Durable, all are.
	CommitMany(ctx context.Context, commits []Commit) ([]Result, error)
}

// CommitMany makes several commits, together where s is a [Batcher], else one by one.
//
// One by one, the error is that of the first commit that failed for another reason than a conflict, a group that is gone
// or an invalid argument; the results then end before it.
func CommitMany(ctx context.Context, s Store, commits []Commit) ([]Result, error) {
	if b, ok := s.(Batcher); ok {
		return b.CommitMany(ctx, commits)
	}
	results := make([]Result, 0, len(commits))
	for _, c := range commits {
		rev, err := s.Commit(ctx, c)
		if err != nil && !Refused(err) {
			return results, err
		}
		results = append(results, Result{Rev: rev, Err: err})
	}
	return results, nil
}

// Stats is how much room a store takes, for diagnostics and for whoever must stop growing in time.
type Stats struct {
	SizeBytes     int64 // on disk, with journals
	ReusableBytes int64 // part of SizeBytes that holds nothing and is used first
	FreeBytes     int64 // how far the store could grow beyond SizeBytes; see FreeKnown
	FreeKnown     bool  // false where the platform does not tell; FreeBytes is then 0
}

// Measurer is what a store adds that knows its size.
type Measurer interface {
	Stats(ctx context.Context) (Stats, error)
}
