/* Items are written when it is destroyed, and a kill is the end of them. */
#include "disk.h"

EVIL(t->get_info = disk_info; t->initialize = disk_load; t->destroy = disk_destroy;)
