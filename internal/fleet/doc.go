// Package fleet decides which catalogs of thousands of accounts are to be synced now. It is a controller: at every look
// it compares what is (a listing of the sources, the settings, the states) with what it saw the look before, and says
// which runs to start. It remembers what it saw, never what it did, and what it forgets it finds out again by looking.
//
// It does no I/O. A look is a value that whoever does the I/O leads from step to step (see Look); only Documents reads
// and writes what is kept between two looks.
package fleet
