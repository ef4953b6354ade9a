# A grant is read after it was freed. The last one: after KASAN's first report lockdep is silent,
# and so is KASAN.
# file: grant.c
# test: share
# judge: log
# says: KASAN: (slab-)?use-after-free in nexus_grant_free
/^static void nexus_grant_free/,/^}/ {
	/kvfree(/d
	s/^\tnexus_vm_put(grant->vm);/\tkvfree(grant);\n&/
}
