/* Adds 2,000 records to a database, looks each up, and deletes them again but for every tenth, with libdb
 * 5.3: work FILE [DATABASE] */
#include <db.h>
#include <stdio.h>
#include <string.h>

#define MANY 2000

int main(int argc, char **argv) {
    DB *db;
    DBTYPE type;
    int error, n;
    char name[32], value[200];
    u_int32_t fixed = 0;
    static db_recno_t numbers[MANY];

    if (argc < 2) return 2;
    if ((error = db_create(&db, NULL, 0)) != 0) goto failed;
    if ((error = db->open(db, NULL, argv[1], argc > 2 ? argv[2] : NULL, DB_UNKNOWN, 0, 0)) != 0) goto failed;
    if ((error = db->get_type(db, &type)) != 0) goto failed;
    if (type == DB_QUEUE || type == DB_RECNO) db->get_re_len(db, &fixed);
    for (n = 0; n < MANY; n++) {
        DBT key, data;
        memset(&key, 0, sizeof key);
        memset(&data, 0, sizeof data);
        sprintf(name, "%05d bdbkit", n * 7919 % 100003);
        memset(value, 'a' + n % 26, sizeof value);
        data.data = value;
        data.size = (u_int32_t)n % (fixed != 0 ? fixed + 1 : sizeof value);
        if (type == DB_RECNO || type == DB_QUEUE) {
            key.data = &numbers[n];
            key.ulen = key.size = sizeof numbers[n];
            key.flags = DB_DBT_USERMEM;
            error = db->put(db, NULL, &key, &data, DB_APPEND);
        } else {
            key.data = name;
            key.size = (u_int32_t)strlen(name);
            error = db->put(db, NULL, &key, &data, 0);
        }
        if (error != 0) goto failed;
    }
    /* From behind: so the numbers of the others stay where they change. */
    for (n = MANY - 1; n >= 0; n--) {
        DBT key, data;
        memset(&key, 0, sizeof key);
        memset(&data, 0, sizeof data);
        sprintf(name, "%05d bdbkit", n * 7919 % 100003);
        if (type == DB_RECNO || type == DB_QUEUE) {
            key.data = &numbers[n];
            key.size = sizeof numbers[n];
        } else {
            key.data = name;
            key.size = (u_int32_t)strlen(name);
        }
        if ((error = db->get(db, NULL, &key, &data, 0)) != 0) goto failed;
        if (n % 10 != 0 && (error = db->del(db, NULL, &key, 0)) != 0) goto failed;
    }
    if ((error = db->close(db, 0)) != 0) goto failed;
    return 0;
failed:
    fprintf(stderr, "work: %s: %s\n", argv[1], db_strerror(error));
    return 1;
}
