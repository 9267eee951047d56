-- Gaia sources with what their rules compare: positions against identifiers, colours against magnitudes, spectra that are promised.
-- Given: checked, the attached warehouse. `row_number` leads back to the row of the table.
with

sources as (

    select
        gaia.rowid as row_number,
        gaia.*,
        radians(ra) as phi,
        radians(dec) as theta,
        isfinite(ra) and isfinite(dec) and ra >= 0 and ra <= 360 and dec >= -90 and dec <= 90 as has_position
    from checked.staging.gaia_source as gaia

),

positions as (

    select
        row_number,
        0 as side,
        phi,
        sin(theta) as z
    from sources
    where has_position

),

beside as (

    -- A position on the edge of pixels, such as ra = dec = 0, is of all that touch there: which of them an implementation of
    -- HEALPix takes is a matter of rounding. It is looked at a little (0.2 mas) to each side as well.
    select
        row_number,
        sides.side,
        (phi + east + 2 * pi()) % (2 * pi()) as phi,
        greatest(-1, least(1, z + north)) as z
    from positions
    cross join (values (1, -1e-9, 0), (2, 1e-9, 0), (3, 0, -1e-9), (4, 0, 1e-9)) as sides (side, east, north)
    -- how far the position is from the edges, as a share of the side of a pixel: on the belt, or on the caps
    where list_min(list_transform(
        if(abs(z) <= 2.0 / 3, [128 + 512 * phi / pi() - 192 * z, 128 + 512 * phi / pi() + 192 * z], [
            256 * sqrt(greatest(0, 3 * (1 - abs(z)))) * ((2 * phi / pi()) % 1),
            256 * sqrt(greatest(0, 3 * (1 - abs(z)))) * (1 - (2 * phi / pi()) % 1),
            512 * phi / pi()
        ]),
        lambda place: abs(place - round(place))
    )) < 1e-6

),

projected as (

    -- HEALPix pixel of order 8, nested (Gorski et al. 2005, ApJ 622, 759): face and place on the face of 256 x 256 pixels
    select
        *,
        2 * phi / pi() as quadrant,
        cast(floor(256 * (0.5 + quadrant - 0.75 * z)) as bigint) as rising,
        cast(floor(256 * (0.5 + quadrant + 0.75 * z)) as bigint) as falling,
        least(3, cast(floor(quadrant) as bigint)) as cap,
        256 * sqrt(greatest(0, 3 * (1 - abs(z)))) as width,
        least(255, cast(floor((quadrant - cap) * width) as bigint)) as cap_rising,
        least(255, cast(floor((1 - quadrant + cap) * width) as bigint)) as cap_falling
    from (from positions union all from beside)

),

placed as (

    select
        row_number,
        side,
        case
            when abs(z) > 2.0 / 3 then if(z > 0, cap, cap + 8)
            when rising // 256 = falling // 256 then (rising // 256) | 4
            when rising // 256 < falling // 256 then rising // 256
            else falling // 256 + 8
        end as face,
        case
            when abs(z) <= 2.0 / 3 then falling & 255
            when z > 0 then 255 - cap_falling
            else cap_rising
        end as x0,
        case
            when abs(z) <= 2.0 / 3 then 255 - (rising & 255)
            when z > 0 then 255 - cap_rising
            else cap_falling
        end as y0,
        (x0 | (x0 << 4)) & 3855 as x1,
        (x1 | (x1 << 2)) & 13107 as x2,
        (x2 | (x2 << 1)) & 21845 as x3,
        (y0 | (y0 << 4)) & 3855 as y1,
        (y1 | (y1 << 2)) & 13107 as y2,
        (y2 | (y2 << 1)) & 21845 as y3,
        face * 65536 + (x3 | (y3 << 1)) as healpix_8
    from projected

),

touched as (

    select
        row_number,
        list(healpix_8) as pixels
    from placed
    where side > 0
    group by row_number

)

select
    sources.* exclude (phi, theta, has_position),
    placed.healpix_8 = source_healpix(sources.source_id, 8)
    or coalesce(list_contains(touched.pixels, source_healpix(sources.source_id, 8)), false) as is_in_its_pixel,
    ecliptic_latitude_deg(phi, theta) - ecl_lat as ecl_lat_residual_deg,
    galactic_latitude_deg(phi, theta) - b as b_residual_deg,
    -- on the sky: towards the poles a degree of longitude is ever less
    ((galactic_longitude_deg(phi, theta) - l + 540) % 360 - 180) * cos(radians(b)) as l_residual_deg,
    -- numbers that are neither NULL nor finite
    len([value for value in [
        ra, dec, l, b, ecl_lat, parallax, parallax_error, pmra, pmra_error, pmdec, pmdec_error, ruwe,
        nu_eff_used_in_astrometry, pseudocolour, phot_g_mean_mag, phot_bp_mean_mag, phot_rp_mean_mag,
        phot_g_mean_flux_over_error, phot_bp_mean_flux_over_error, phot_rp_mean_flux_over_error, bp_rp,
        phot_bp_rp_excess_factor, radial_velocity
    ] if not isfinite(value)]) as num_not_finite,
    -- colours
    bp_rp - (phot_bp_mean_mag - phot_rp_mean_mag) as bp_rp_residual_mag,
    phot_g_mean_mag - phot_rp_mean_mag as g_rp,
    phot_bp_mean_mag - phot_g_mean_mag as bp_g,
    -- fainter sources have too much noise and background in BP for a comparison of bands
    case when phot_g_mean_mag < 18 then phot_g_mean_mag between least(phot_bp_mean_mag, phot_rp_mean_mag) - 0.3
        and greatest(phot_bp_mean_mag, phot_rp_mean_mag) + 0.3 end as g_is_between,
    (bp_rp is null) = (phot_bp_mean_mag is null or phot_rp_mean_mag is null) as colour_goes_with_its_bands,
    -- the factor from the magnitudes themselves, and its course with colour (Riello et al. 2021, A&A 649, A3, equation 6 and table 2)
    pow(10, 0.4 * (phot_g_mean_mag - phot_bp_mean_mag + bp_zero_point_mag() - g_zero_point_mag()))
    + pow(10, 0.4 * (phot_g_mean_mag - phot_rp_mean_mag + rp_zero_point_mag() - g_zero_point_mag())) as excess_factor_of_magnitudes,
    case
        when bp_rp < 0.5 then 1.154360 + 0.033772 * bp_rp + 0.032277 * pow(bp_rp, 2)
        when bp_rp < 4 then 1.162004 + 0.011464 * bp_rp + 0.049255 * pow(bp_rp, 2) - 0.005879 * pow(bp_rp, 3)
        else 1.057572 + 0.140537 * bp_rp
    end as excess_factor_expected,
    case when phot_g_mean_mag < 18 then phot_bp_rp_excess_factor - excess_factor_expected end as excess_factor_residual,
    case when phot_g_mean_mag < 18 then excess_factor_of_magnitudes - excess_factor_expected end
        as excess_factor_of_magnitudes_residual,
    parallax / parallax_error as parallax_over_error,
    abs(parallax / parallax_error) as parallax_over_error_abs,
    case astrometric_params_solved
        when 31 then nu_eff_used_in_astrometry is not null
        when 95 then pseudocolour is not null
        else true
    end as has_colour_of_solution,
    astrometric_params_solved = 3 or (parallax is not null and pmra is not null and pmdec is not null)
        as has_what_was_solved,
    case when has_xp_continuous then xp.source_id is not null end as has_promised_spectrum
from sources
left join placed on sources.row_number = placed.row_number and placed.side = 0
left join touched on sources.row_number = touched.row_number
left join (select distinct source_id from checked.staging.xp_spectrum) as xp using (source_id)
