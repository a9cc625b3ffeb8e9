/* Exports nothing that a host looks for. */
int kumo_is_not_here(void);

int kumo_is_not_here(void)
{
    return 0;
}
