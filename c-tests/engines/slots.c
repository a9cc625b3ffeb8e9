/* One place of the table is NULL that must not be: -DSLOT=get, and so on. */
#include "memory.h"

#ifndef SLOT
#define SLOT get
#endif

MEMORY_ENGINE(memory, t->SLOT = NULL;)
