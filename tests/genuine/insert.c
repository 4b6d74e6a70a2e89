/* Adds 500 records to a database, with libdb 5.3: insert FILE [DATABASE] */
#include <db.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    DB *db;
    DBTYPE type;
    int error, n;
    char name[32], value[200];
    u_int32_t longest = sizeof value - 1, fixed = 0;

    if (argc < 2) return 2;
    if ((error = db_create(&db, NULL, 0)) != 0) goto failed;
    if ((error = db->open(db, NULL, argv[1], argc > 2 ? argv[2] : NULL, DB_UNKNOWN, 0, 0)) != 0) goto failed;
    if ((error = db->get_type(db, &type)) != 0) goto failed;
    /* Of records of one length: that of their type, or shorter, which is filled up. */
    if (type == DB_RECNO && db->get_re_len(db, &fixed) == 0 && fixed != 0) longest = fixed;
    for (n = 0; n < 500; n++) {
        DBT key, data;
        db_recno_t number = 0;
        memset(&key, 0, sizeof key);
        memset(&data, 0, sizeof data);
        sprintf(name, "%05d bdbkit", n * 7919 % 100003);
        memset(value, 'a' + n % 26, sizeof value);
        data.data = value;
        data.size = (u_int32_t)n % (longest + 1);
        if (type == DB_RECNO) {
            key.data = &number;
            key.ulen = key.size = sizeof number;
            key.flags = DB_DBT_USERMEM;
            error = db->put(db, NULL, &key, &data, DB_APPEND);
        } else {
            key.data = name;
            key.size = (u_int32_t)strlen(name);
            error = db->put(db, NULL, &key, &data, 0);
        }
        if (error != 0) goto failed;
    }
    if ((error = db->close(db, 0)) != 0) goto failed;
    return 0;
failed:
    fprintf(stderr, "insert: %s: %s\n", argv[1], db_strerror(error));
    return 1;
}
