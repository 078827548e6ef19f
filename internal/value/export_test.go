package value

// ParseSlow is the parser that knows how to complain.
var ParseSlow = parseSlow

// ParseFast is the one that does not.
var ParseFast = parseFast
