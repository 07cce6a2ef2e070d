// Package strictjson reads JSON on which money or goods depend: what is said twice, in another spelling, or half, is
// said not at all.
//
// encoding/json takes names in any case, and the last of those that repeat. So {"lines":[…],"Lines":[]} is a list for
// one reader and none for another. This package is for whatever must not be misread; the rest may stay with
// encoding/json.
package strictjson
