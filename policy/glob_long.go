package policy

import (
	"math/bits"
	"unicode/utf8"
)

// findLong is find for a long piece. It looks at many places of the subject at once, as bits of words: a place stays possible
// for as long as the characters that follow it are those of the piece. That takes the product of both lengths divided by 64,
// whatever the piece (advisory 42). Each window of the subject holds as many places as the piece has characters, so that time
// and memory do not depend on what lies beyond the place that is found.
func findLong(piece []byte, s string, f comparer) int {
	w := newWindow(piece)
	for offset := 0; ; {
		if place := w.search(s[offset:], f); place >= 0 {
			return offset + skip(s[offset:], place+len(w.piece))
		}
		n := skip(s[offset:], len(w.piece))
		if n < 0 {
			return -1
		}
		offset += n
	}
}

// anyRune stands for anyChar, noRune for a byte of the subject that is not UTF-8: it is a character that no literal equals.
const (
	anyRune = -1
	noRune  = -2
)

const wordBits = 64

// window is a stretch of the subject in which places are looked for.
type window struct {
	piece    []rune
	possible []uint64          // bit i: the piece may fit at the window's character i
	places   map[rune][]uint64 // for each character of the piece, where the window has it
}

func newWindow(piece []byte) *window {
	w := &window{piece: make([]rune, 0, len(piece)), places: make(map[rune][]uint64)}
	for len(piece) > 0 {
		c, n := utf8.DecodeRune(piece)
		if piece[0] == anyChar {
			c = anyRune
		}
		w.piece, piece = append(w.piece, c), piece[n:]
	}
	words := len(w.piece)/wordBits + 1
	w.possible = make([]uint64, words)
	for _, c := range w.piece {
		if c != anyRune && w.places[c] == nil {
			w.places[c] = make([]uint64, 2*words+1)
		}
	}
	return w
}

// search gives the first character of s at which the piece fits, of as many as the piece has, or -1.
func (w *window) search(s string, f comparer) int {
	length := w.read(s, f)
	for i := range w.possible {
		w.possible[i] = firstBits(length - len(w.piece) + 1 - i*wordBits)
	}
	for i, c := range w.piece {
		if c != anyRune && !w.keep(w.places[c], i) {
			return -1
		}
	}
	for i, word := range w.possible {
		if word != 0 {
			return i*wordBits + bits.TrailingZeros64(word)
		}
	}
	return -1
}

// firstBits gives a word whose first n bits are set.
func firstBits(n int) uint64 {
	switch {
	case n <= 0:
		return 0
	case n >= wordBits:
		return ^uint64(0)
	}
	return 1<<n - 1
}

// read notes where the beginning of s has the characters of the piece, and gives the number of characters read.
func (w *window) read(s string, f comparer) int {
	for _, set := range w.places {
		clear(set)
	}
	length := 0
	for ; s != "" && length < 2*len(w.piece); length++ {
		c, n := utf8.DecodeRuneInString(s)
		switch {
		case c == utf8.RuneError && n == 1:
			c = noRune
		case f == folded && c < utf8.RuneSelf:
			c = rune(lower(byte(c)))
		}
		if set := w.places[c]; set != nil {
			set[length/wordBits] |= 1 << (length % wordBits)
		}
		s = s[n:]
	}
	return length
}

// keep leaves possible only places whose i-th following character is in the set; false means that none is left.
func (w *window) keep(set []uint64, i int) bool {
	set = set[i/wordBits:]
	shift := i % wordBits
	left := uint64(0)
	for j := range w.possible {
		w.possible[j] &= set[j]>>shift | set[j+1]<<(wordBits-shift)
		left |= w.possible[j]
	}
	return left != 0
}
