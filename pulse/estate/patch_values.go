package estate

import (
	"slices"
	"unicode/utf8"
)

// text walks a string.
func text[S ~string](c *patcher, base, v *S) {
	if !c.has(c.writing && *base != *v) {
		return
	}
	if c.writing {
		c.putText(string(*v))
		return
	}
	*v = S(c.text())
}

// putText writes a string as it comes back from JSON.
func (c *patcher) putText(s string) {
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	c.putCount(len(s))
	c.data = append(c.data, s...)
}

func (c *patcher) text() string {
	data := c.bytes(c.count(len(c.data)))
	if !utf8.Valid(data) {
		c.fail(ErrDamaged)
		return ""
	}
	if known, ok := c.words[string(data)]; ok {
		return known
	}
	if c.words == nil {
		c.words = make(map[string]string)
	}
	s := string(data)
	c.words[s] = s
	return s
}

// texts walks a list of strings.
func (c *patcher) texts(base, v *[]string) {
	if !c.has(c.writing && !slices.Equal(*base, *v)) {
		return
	}
	if c.writing {
		c.putCount(len(*v))
		for _, s := range *v {
			c.putText(s)
		}
		return
	}
	*v = nil
	for range c.count(len(c.data)) {
		*v = append(*v, c.text())
	}
}

// flag walks a truth value: the bit in the mask says all.
func (c *patcher) flag(base, v *bool) {
	if c.has(c.writing && *base != *v) && !c.writing {
		*v = !*base
	}
}

// verdict walks a truth value that may be unknown.
func (c *patcher) verdict(base, v *Opt[bool]) {
	if !c.has(c.writing && *base != *v) {
		return
	}
	if c.writing {
		c.putCount(slices.Index(verdicts(), *v))
		return
	}
	*v = verdicts()[c.count(len(verdicts())-1)]
}

func verdicts() []Opt[bool] { return []Opt[bool]{{}, Some(false), Some(true)} }

// whole walks an integer that is always known.
func whole[I ~int | ~int64](c *patcher, base, v *I) {
	if !c.has(c.writing && *base != *v) {
		return
	}
	if c.writing {
		c.putVarint(int64(*v) - int64(*base))
		return
	}
	n := int64(*base) + c.varint()
	if *v = I(n); int64(*v) != n {
		c.fail(ErrDamaged)
	}
}
