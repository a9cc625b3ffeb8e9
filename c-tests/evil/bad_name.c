/* Its name is none: it has spaces in it. */
#include "base.h"

SPOILED_PLUGIN("a bad name", (void)plugin;)
