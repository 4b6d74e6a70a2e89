//! The names of fields, and where in a layout they stand.

/// Writes the enum of all names.
macro_rules! names {
    ($($name:ident)*) => {
        /// The name of a field, spelled as in the tables.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(non_camel_case_types)]
        pub(crate) enum Name { $($name),* }

        impl Name {
            /// The name itself.
            pub(crate) fn text(self) -> &'static str {
                match self { $(Name::$name => stringify!($name)),* }
            }
        }

        /// How many names there are.
        const NAMES: usize = [$(Name::$name),*].len();
    };
}

names! {
    add adjust alloc_lsn appname arg_flags begin_lsn blob_fid_hi blob_fid_lo bqual bucket c_lsn child ckp_lsn curregion data
    datatype dbt dirname dup_off envid fid fileid first_indx flag formatID free free_pgno from_indx
    from_pgno ftype gid gtrid hdr header host id ind indx indx_copy is_dup is_insert is_region
    isdeleted key key_count keytype last_ckp last_free last_lsn last_pgno left left_pgno len list
    llsn locks lsn lsn_next lsn_prev makedup max meta meta_lsn meta_pgno metalsn min mmetalsn mmpgno
    mode mpgno name nbytes ndx new new_cur new_data new_first new_indx new_pgno new_type newalloc newitem
    newname newtype next next_free next_pgno nextlsn nextpgno nlsn nnext_pgno nnextlsn npages npgno
    nrec nregions num off offset offset_hi offset_lo old old_cur old_data old_first old_indx old_pgno old_type olddata
    olditem oldname oldtype op opcode opflags opgno order orig ovflpoint page page_lsn pageimage
    pagelsn pageno parent pentry pg pg_copy pgdbt pgno pgsize pindx plsn port ppgno prefix prev
    prev_pgno prev_status prevlsn ptype real_fid recno record_count rentry rep_gen repl right rlsn
    root root_pgno rootent rootlsn slot spare spares start_pgno status suffix timestamp tmp_fid
    to_indx to_pgno total uid unused version vflag xid
}

/// Where in a layout the field of each name stands, counted from 1; 0 if it has none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Places([u8; NAMES]);

impl Places {
    /// The places of fields that stand in this order.
    #[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions)]
    pub(super) const fn of(fields: &[Name]) -> Places {
        // Runs in the compiler only: what goes wrong here goes wrong there.
        let mut places = [0; NAMES];
        let mut place = 0;
        while place < fields.len() {
            places[fields[place] as usize] = place as u8 + 1;
            place += 1;
        }
        Places(places)
    }

    /// The place of a field, counted from 0.
    #[allow(clippy::as_conversions)]
    pub(super) fn of_field(&self, field: Name) -> Option<usize> {
        let place = self.0.get(field as usize).copied().unwrap_or(0);
        usize::from(place).checked_sub(1)
    }
}
