# What every figure has in common.  Change `format` above to svg, png or pdf and load the file again.
set encoding utf8
set datafile separator tab
set datafile missing '?'
# The same size on every terminal: 12 pixels are 9 points at 96 dots an inch, 12 at 72.
points = format eq 'png' ? 9 : 12
# The svg terminal knows no bold type, but writes the family as it is into an attribute.
heavy = format eq 'svg' ? 'sans-serif" font-weight="bold' : 'sans-serif:Bold'
sans = sprintf('sans-serif,%g', points)
bold = sprintf('%s,%g', heavy, points)
small = sprintf('sans-serif,%g', points*0.83)
heading = sprintf('%s,%g', heavy, points*1.17)
if (format eq 'svg') { set terminal svg size width,height noenhanced font sans background '#ffffff' }
if (format eq 'pdf') { set terminal pdfcairo size width/72.0,height/72.0 noenhanced font sans fontscale 1 }
if (format eq 'png') {
    if (strstrt(GPVAL_TERMINALS, ' pngcairo ') > 0) {
        set terminal pngcairo size 2*width,2*height noenhanced font sans fontscale 2 linewidth 2 pointscale 2
    } else {
        set terminal png size width,height noenhanced background '#ffffff'
    }
}
set output name.'.'.format
set lmargin at screen left
set rmargin at screen right
set tmargin at screen top
set bmargin at screen bottom
ink = '#333333'
set border 3 lc rgb ink lw 1
set tics nomirror out textcolor rgb ink
set grid lc rgb '#dddddd' lw 0.7 dt 1
set label title at screen 12.0/width, screen 1-18.0/height left font heading textcolor rgb '#111111'
heading_x = 12.0/width
