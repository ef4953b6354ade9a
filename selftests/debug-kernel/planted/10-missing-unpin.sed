# A grant that is let go keeps its pages pinned.
# file: grant.c
# test: death
# judge: test
# says: released every page
/unpin_user_pages_dirty_lock/d
