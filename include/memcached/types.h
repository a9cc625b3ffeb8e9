/* memcached/types.h: a name that engines include. All of it is in engine.h. */
#include "engine.h"
