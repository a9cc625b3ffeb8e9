/*
 * What the broken engines of memcached's interface are made of: the engine in memory of
 * ../../engines/memory.h, of which each changes something. EVIL says what: statements, with
 * the table as t.
 */
#ifndef EVIL_H
#define EVIL_H

#include "../../engines/memory.h"

#define EVIL(changes) MEMORY_ENGINE(memory, changes)

#endif
