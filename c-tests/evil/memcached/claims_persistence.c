/* It says that it is persistent, and is not. */
#include "disk.h"

EVIL(t->get_info = disk_info; (void)disk_load; (void)disk_destroy;)
