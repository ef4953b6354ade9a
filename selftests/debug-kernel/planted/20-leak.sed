# A channel's memory is never freed.
# file: channel.c
# test: adopt
# judge: kmemleak
# says: nexus_channel_open
/^static void nexus_channel_drop(/,/^}/ { /kfree(channel);/d }
