-- Parallax zero point of each five- or six-parameter source, in mas: to be subtracted from the parallax.
-- Lindegren et al. (2021, A&A 649, A4), Tables 9 and 10, with the correction of Leung, Bovy, Mackereth & Miglio (2023):
-- +0.005 mas * clip(G - 13, 0, 4). Outside 6 < G < 21 and 1.1 < nu_eff < 1.9 (1.24 < pseudocolour < 1.72) it is NULL.
with

nodes as (

    -- q<colour term><power of sin(beta)> in microarcseconds at each G; 31: five parameters, 95: six
    select *
    from (
        values
        (31, 6, -26.98, -9.62, 27.4, -25.1, -0, 0, -1257, 0, 0),
        (31, 10.8, -27.23, -3.07, 23.04, 35.3, 15.7, 0, -1257, 0, 0),
        (31, 11.2, -30.33, -9.23, 9.08, -88.4, -11.8, 0, -1257, 0, 0),
        (31, 11.8, -33.54, -10.08, 13.28, -126.7, 11.6, 0, -1257, 0, 0),
        (31, 12.2, -13.65, -0.07, 9.35, -111.4, 40.6, 0, -1257, 0, 0),
        (31, 12.9, -19.53, -1.64, 15.86, -66.8, 20.6, 0, -1257, 0, 0),
        (31, 13.1, -37.99, 2.63, 16.14, -5.7, 14, 0, -1257, 107.9, 104.3),
        (31, 15.9, -38.33, 5.61, 15.42, 0, 18.7, 0, -1189, 243.8, 155.2),
        (31, 16.1, -31.05, 2.83, 8.59, 0, 15.5, 0, -1404, 105.5, 170.7),
        (31, 17.5, -29.18, -0.09, 2.41, 0, 24.5, 0, -1165, 189.7, 325),
        (31, 19, -18.4, 5.98, -6.46, 0, 5.5, 0, 0, 0, 276.6),
        (31, 20, -12.65, -4.57, -7.46, 0, 97.9, 0, 0, 0, 0),
        (31, 21, -18.22, -15.24, -18.54, 0, 128.2, 0, 0, 0, 0),
        (95, 6, -27.85, -7.78, 27.47, -32.1, 14.4, 9.5, -67, 0, 0),
        (95, 10.8, -28.91, -3.57, 22.92, 7.7, 12.6, 1.6, -572, 0, 0),
        (95, 11.2, -26.72, -8.74, 9.36, -30.3, 5.6, 17.2, -1104, 0, 0),
        (95, 11.8, -29.04, -9.69, 13.63, -49.4, 36.3, 17.7, -1129, 0, 0),
        (95, 12.2, -12.39, -2.16, 10.23, -92.6, 19.8, 27.6, -365, 0, 0),
        (95, 12.9, -18.99, -1.93, 15.9, -57.2, -8, 19.9, -554, 0, 0),
        (95, 13.1, -38.29, 2.59, 16.2, -10.5, 1.4, 0.4, -960, 0, 0),
        (95, 15.9, -36.83, 4.2, 15.76, 22.3, 11.1, 10, -1367, 0, 0),
        (95, 16.1, -28.37, 1.99, 9.28, 50.4, 17.2, 13.7, -1351, 0, 0),
        (95, 17.5, -24.68, -1.37, 3.52, 86.8, 19.8, 21.3, -1380, 0, 0),
        (95, 19, -15.32, 4.01, -6.03, 29.2, 14.1, 0.4, -563, 0, 0),
        (95, 20, -13.73, -10.92, -8.3, -74.4, 196.4, -42, 536, 0, 0),
        (95, 21, -29.53, -20.34, -18.74, -39.5, 326.8, -262.3, 1598, 0, 0)
    ) as listed (params_solved, g, q00, q01, q02, q10, q11, q12, q20, q30, q40)

),

intervals as (

    select
        *,
        lead(columns(* exclude (params_solved, g))) over next_node as "next_\0",
        lead(g) over next_node as next_g
    from nodes
    window next_node as (partition by params_solved order by g)

),

sources as (

    select
        source_id,
        astrometric_params_solved as params_solved,
        phot_g_mean_mag as g,
        sin(radians(ecl_lat)) as sin_beta,
        if(astrometric_params_solved = 31, nu_eff_used_in_astrometry, pseudocolour) as colour
    from staging.gaia_source
    where
        phot_g_mean_mag > 6 and phot_g_mean_mag < 21
        and (
            (astrometric_params_solved = 31 and nu_eff_used_in_astrometry > 1.1 and nu_eff_used_in_astrometry < 1.9)
            or (astrometric_params_solved = 95 and pseudocolour > 1.24 and pseudocolour < 1.72)
        )

),

terms as (

    select
        source_id,
        params_solved,
        g,
        sin_beta,
        sin_beta * sin_beta - 1 / 3 as sin_beta2,
        greatest(-0.24, least(0.24, colour - 1.48)) as c1,
        pow(least(0.24, greatest(0, 1.48 - colour)), 3) as c2,
        least(0, colour - 1.24) as c3,
        greatest(0, colour - 1.72) as c4
    from sources

),

interpolated as (

    select
        terms.*,
        (terms.g - intervals.g) / (intervals.next_g - intervals.g) as share,
        q00 + share * (next_q00 - q00) as a00,
        q01 + share * (next_q01 - q01) as a01,
        q02 + share * (next_q02 - q02) as a02,
        q10 + share * (next_q10 - q10) as a10,
        q11 + share * (next_q11 - q11) as a11,
        q12 + share * (next_q12 - q12) as a12,
        q20 + share * (next_q20 - q20) as a20,
        q30 + share * (next_q30 - q30) as a30,
        q40 + share * (next_q40 - q40) as a40
    from terms
    inner join intervals
        on terms.params_solved = intervals.params_solved
        and terms.g >= intervals.g
        and terms.g < intervals.next_g

)

select
    source_id,
    (
        a00 + a01 * sin_beta + a02 * sin_beta2
        + c1 * (a10 + a11 * sin_beta + a12 * sin_beta2)
        + c2 * a20 + c3 * a30 + c4 * a40
    ) / 1000 + 0.005 * greatest(0, least(4, g - 13)) as zero_point_mas
from interpolated
