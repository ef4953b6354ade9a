# KICK takes a mutex under RCU.
# file: channel.c
# test: adopt
# judge: log
# says: BUG: sleeping function called from invalid context
/^s64 nexus_channel_kick/,/^}/ s/^\tif (!channel)/\tmutex_lock(\&vm->lock);\n\tmutex_unlock(\&vm->lock);\n&/
