# Closing a handle takes the VM's lock before the table's; releasing takes them the other way round.
# file: vm.c
# test: adopt
# judge: log
# says: possible circular locking dependency
/^void nexus_vm_detach/,/^}/ {
	s/mutex_lock(&nexus_vms_lock);/mutex_lock(\&vm->lock);\n\t&/
	s/mutex_unlock(&nexus_vms_lock);/&\n\tmutex_unlock(\&vm->lock);/
}
