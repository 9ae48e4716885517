package sqlitestore

import (
	"context"
	"database/sql"
	"sync"
)

// statements keeps prepared statements by their text, each of which is a constant of this package.
type statements struct {
	prepare func(ctx context.Context, query string) (*sql.Stmt, error)

	mu     sync.Mutex
	byText map[string]*sql.Stmt
}

func (p *statements) get(ctx context.Context, query string) (*sql.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if stmt := p.byText[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := p.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	if p.byText == nil {
		p.byText = make(map[string]*sql.Stmt)
	}
	p.byText[query] = stmt
	return stmt, nil
}

// close ends the statements. A connection whose statements are open would stay open with them, and keep the journal from
// being moved into the file.
func (p *statements) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, stmt := range p.byText {
		_ = stmt.Close() // it has given its results
	}
	p.byText = nil
}
