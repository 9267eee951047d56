-- How many rows each step and each cut leaves: nothing is dropped uncounted.
with

counts as (

    select 1 as step, 'Gaia sources' as cut, count(*) as rows_left from staging.gaia_source
    union all
    select 2, 'with an XP spectrum', count(*) from staging.xp_spectrum
    union all
    select 3, 'with a 2MASS counterpart', count(*) from marts.stars where tmass_designation is not null
    union all
    select 4, '2MASS sources without a Gaia counterpart', count(*) from staging.twomass as t
    where not exists (from marts.stars as s where s.tmass_designation = t.designation)
    union all
    select 5, 'APOGEE rows', count(*) from staging.apogee
    union all
    select 6, 'APOGEE stars', count(distinct apogee_id) from staging.apogee
    union all
    select 7, 'APOGEE stars without a Gaia counterpart', count(distinct apogee_id) from staging.apogee as a
    where not exists (from marts.stars as s where s.apogee_id = a.apogee_id)
    union all
    select 8, format('cut: all {} coefficients', num_bp() + num_rp()), count(*) from marts.stars where has_all_xp
    union all
    select 9, 'cut: coefficients in range', count(*) from marts.stars where has_all_xp and xp_in_range
    union all
    select 10, format('cut: {} < BP-RP < {}', min_bp_rp_mag(), max_bp_rp_mag()), count(*) from marts.stars
    where has_all_xp and xp_in_range and colour_in_range
    union all
    select 11, format('cut: {} < G < {}', min_g_mag(), max_g_mag()), count(*) from marts.stars
    where has_all_xp and xp_in_range and colour_in_range and magnitude_in_range
    union all
    select 12, format('cut: RUWE < {}', max_ruwe()), count(*) from marts.stars
    where has_all_xp and xp_in_range and colour_in_range and magnitude_in_range and ruwe_is_good
    union all
    select 13, format('cut: excess factor < {}', max_excess_factor()), count(*) from marts.stars
    where
        has_all_xp and xp_in_range and colour_in_range and magnitude_in_range and ruwe_is_good
        and excess_factor_is_good
    union all
    select 14, 'cut: no bright neighbour (Gaia-good)', count(*) from marts.stars where is_gaia_good
    union all
    select 15, 'clean APOGEE stars without XP', count(*) from marts.stars where is_apogee_only
    union all
    select 16, 'training set with good labels', count(*) from marts.stars where in_training_set and teff is not null

)

select * from counts order by step
