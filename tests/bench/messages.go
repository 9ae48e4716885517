package main

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"io"
	"sync"
)

// messages unfolds what many clients receive once for all of them.
type messages struct {
	seed maphash.Seed

	mu     sync.Mutex
	recent map[uint64]*message
	order  []uint64
}

// keptMessages are enough for what is on its way to some clients while others have it.
const keptMessages = 8

func newMessages() *messages {
	return &messages{seed: maphash.MakeSeed(), recent: map[uint64]*message{}}
}

// message is one message of a stream.
type message struct {
	once sync.Once
	err  error
	kind string // "initialState", "rawData" and so on
	text []byte

	mu    sync.Mutex
	known map[string]string // statuses that were asked for
}

// read returns the message with a payload.
func (m *messages) read(payload []byte, compressed bool) (*message, error) {
	sum := maphash.Bytes(m.seed, payload)
	m.mu.Lock()
	found := m.recent[sum]
	if found == nil {
		found = &message{known: map[string]string{}}
		m.recent[sum] = found
		if m.order = append(m.order, sum); len(m.order) > keptMessages {
			delete(m.recent, m.order[0])
			m.order = m.order[1:]
		}
	}
	m.mu.Unlock()
	found.once.Do(func() { found.err = found.unfold(payload, compressed) })
	return found, found.err
}

func (m *message) unfold(payload []byte, compressed bool) error {
	if compressed {
		// What permessage-deflate leaves out at the end, and an empty last block.
		tail := "\x00\x00\xff\xff\x01\x00\x00\xff\xff"
		text, err := io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(payload), bytes.NewReader([]byte(tail)))))
		if err != nil {
			return fmt.Errorf("unfold a message: %w", err)
		}
		payload = text
	}
	m.text = payload
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(payload, &head); err != nil {
		return fmt.Errorf("read a message: %w", err)
	}
	m.kind = head.Type
	return nil
}

// status returns the status that follows a guest's id, empty when the guest is not there.
func (m *message) status(id string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	status, ok := m.known[id]
	if ok {
		return status
	}
	if _, rest, ok := bytes.Cut(m.text, []byte(id)); ok {
		if _, rest, ok = bytes.Cut(rest, []byte(`"status":"`)); ok {
			word, _, _ := bytes.Cut(rest, []byte(`"`))
			status = string(word)
		}
	}
	m.known[id] = status
	return status
}
